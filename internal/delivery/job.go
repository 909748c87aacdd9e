package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"kyc-ocr-relay/internal/order"
	"kyc-ocr-relay/internal/redact"
	"kyc-ocr-relay/internal/upstream"
)

const (
	// askPause is between two queries of an order whose photos are late: they follow the
	// result by about a second (document 1007).
	askPause = time.Second

	// cropPatience is how long photos that may stay empty are waited for.
	cropPatience = 3 * time.Second

	// usualAnswer is the size up to which answers are handled side by side: three photos
	// of a phone. A larger one has the instance to itself, so that several do not add up
	// to more than the 128 MB of a small one.
	usualAnswer = 4 << 20
)

// job is one order of a batch, or one malformed message.
type job struct {
	name      string
	order     order.Order
	query     upstream.Query
	message   order.Message
	rejection *Rejection // nil for an order

	pending *Pending  // once it is known what is missing
	large   bool      // the answer is no usual one
	due     time.Time // not to be tried before
	first   time.Time // when a result was there the first time

	outcome outcome
	err     error          // why it failed, or was not delivered
	trace   upstream.Trace // of the calls of the upstream
}

type outcome int

const (
	waits outcome = iota
	isDelivered
	isSkipped
	isRejected
	isFailed
)

// try does j as far as that is possible now. A panic in it fails j alone.
func (b *batch) try(ctx context.Context, j *job) {
	defer func() {
		if cause := recover(); cause != nil {
			j.fail(errors.New(redact.Panic(cause)))
		}
	}()
	switch {
	case ctx.Err() != nil:
		j.fail(errors.New("out of time"))
	case j.rejection != nil:
		j.conclude(isRejected, b.Sinks.Reject(ctx, *j.rejection))
		return
	default:
		b.attempt(ctx, j)
	}
	if j.outcome == isFailed && j.pending != nil && ctx.Err() == nil {
		if err := j.pending.Postpone(ctx); err != nil {
			j.err = fmt.Errorf("%w; %w", j.err, err)
		}
	}
}

// attempt asks for the order's result and delivers it, unless that is done or cannot
// be done yet.
func (b *batch) attempt(ctx context.Context, j *job) {
	if j.pending == nil {
		pending, err := b.Sinks.Check(ctx, j.order)
		if err != nil || pending == nil {
			j.conclude(isSkipped, err)
			return
		}
		j.pending = pending
	}
	if j.pending.Archived() {
		b.conclude(j, j.pending.Tell(ctx))
		return
	}
	if !j.large && !b.hand(ctx, j, 1, usualAnswer) {
		return
	}
	j.large = true
	b.hand(ctx, j, workers, upstream.PhotosLimit)
}

// hand asks for the result and hands it to the sinks, with that many shares of the
// memory. It reports whether the answer was too large for that.
func (b *batch) hand(ctx context.Context, j *job, shares int64, limit int) (tooLarge bool) {
	if err := b.memory.Acquire(ctx, shares); err != nil {
		j.fail(errors.New("out of time"))
		return false
	}
	defer b.memory.Release(shares)
	if shares == workers {
		debug.FreeOSMemory() // the last large answer would be kept until there is twice as much
	}
	j.query.WithPhotos, j.query.Limit = true, limit
	answer, err := b.Ask(ctx, j.query, &j.trace)
	if err != nil {
		var call *upstream.Error
		if errors.As(err, &call) && call.Reason == upstream.TooLarge {
			j.fail(fmt.Errorf("the answer has more than %d MB", limit>>20))
			return true
		}
		j.fail(errors.New(b.Explain(err)))
		return false
	}
	switch answer.Class {
	case upstream.Success, upstream.Business:
		b.pass(ctx, j, answer)
	case upstream.NotFound:
		b.wait(ctx, j, errors.New("there is no result yet"))
	case upstream.Rejected:
		b.refuse(ctx, j, answer)
	default:
		j.fail(fmt.Errorf("the upstream answered code %s", answer.Code))
	}
	return false
}

// refuse deals with an order that the upstream rejects. Where another renewal would not
// help either, trying again would not: it would fail the whole batch, at every retry, for
// as long as the platform retries. The order is set aside for people to look at. As all
// orders of an app look like that where its secret is wrong, it is kept where it can be
// replayed as it is, and not among the malformed ones.
func (b *batch) refuse(ctx context.Context, j *job, answer *upstream.Answer) {
	err := fmt.Errorf("the upstream answered code %s", answer.Code)
	if !j.trace.Hopeless || j.message.Kind == order.Invoke { // the caller is there to be told
		j.fail(err)
		return
	}
	r := Rejection{Message: j.message.Text, Reason: err.Error() + ", with whatever ticket it is asked", Event: j.message.Kind}
	j.conclude(isRejected, j.pending.SetAside(ctx, r))
	if j.err == nil {
		j.err = fmt.Errorf("%w, with whatever ticket it is asked: set aside", err)
	}
}

// pass delivers an answer that has all its photos, or as many as it will have.
func (b *batch) pass(ctx context.Context, j *job, answer *upstream.Answer) {
	if j.first.IsZero() {
		j.first = time.Now()
	}
	photos := answer.Photos(j.query.Type)
	spans := make([]Span, len(photos))
	for i, photo := range photos {
		spans[i] = Span(photo)
	}
	packed := Pack(answer.Body, spans)

	// A refusal has no photos. A card that was recognised has its original at least; a
	// crop may stay empty.
	there := func(field string) bool {
		return slices.ContainsFunc(photos, func(p upstream.Photo) bool { return p.Field == field })
	}
	due := answer.Class == upstream.Success && len(photos) == 0 ||
		slices.ContainsFunc(answer.Originals(j.query.Type), func(field string) bool { return !there(field) })
	late := (answer.Class == upstream.Success || answer.HasResult()) && len(packed.Photos) < len(j.query.Type.Photos())
	switch {
	case due:
		b.wait(ctx, j, errors.New("the photos are not there yet"))
	case late && time.Since(j.first) < cropPatience && b.mayWait(ctx):
		j.again()
	default:
		b.conclude(j, j.pending.Deliver(ctx, packed))
	}
}

// wait has j tried again a little later, or fails it where the time is up.
func (b *batch) wait(ctx context.Context, j *job, reason error) {
	if !b.mayWait(ctx) {
		j.fail(reason)
		return
	}
	j.again()
}

// mayWait reports whether there is time for another query, and for writing after it.
func (b *batch) mayWait(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > askPause+b.reserve
}

// conclude takes what the sinks said. Trying again cannot tell a webhook that is not
// configured: an event that is retried by itself must not fail for it, but the invocation
// of somebody who replays the mark does.
func (b *batch) conclude(j *job, err error) {
	if errors.Is(err, ErrGone) && j.message.Kind != order.Invoke {
		j.outcome, j.err = isSkipped, err
		return
	}
	j.conclude(isDelivered, err)
}

func (j *job) again() { j.outcome, j.due = waits, time.Now().Add(askPause) }

func (j *job) fail(err error) { j.conclude(isFailed, err) }

func (j *job) conclude(o outcome, err error) {
	j.outcome, j.err = o, err
	if err != nil {
		j.outcome = isFailed
	}
}

// log writes the line of an job that failed, or was set aside.
func (j *job) log(log *slog.Logger, id string) {
	if j.rejection != nil {
		log.Warn("delivery failed", "request_id", id, "message", j.name, "error", j.err.Error())
		return
	}
	attrs := j.trace.AppendTo([]slog.Attr{
		slog.String("request_id", id), slog.String("type", string(j.query.Type)), slog.String("app_id", j.query.AppID),
		slog.String("order", order.Hash(j.query.OrderNo)), slog.String("error", j.err.Error()),
	})
	log.LogAttrs(context.Background(), slog.LevelWarn, "delivery failed", attrs...)
}
