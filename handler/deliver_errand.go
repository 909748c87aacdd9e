package handler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"kyc-ocr-relay/internal/delivery"
	"kyc-ocr-relay/internal/ticket"
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

// errand is one order of a batch, or one malformed message.
type errand struct {
	name      string
	order     delivery.Order
	query     upstream.Query
	event     string              // the kind of event that brought it
	message   string              // as it came
	rejection *delivery.Rejection // nil for an order

	pending *delivery.Pending // once it is known what is missing
	large   bool              // the answer is no usual one
	due     time.Time         // not to be tried before
	first   time.Time         // when a result was there the first time

	outcome outcome
	err     error   // why it failed, or was not delivered
	line    logLine // what the calls of the upstream cost
}

type outcome int

const (
	waits outcome = iota
	isDelivered
	isSkipped
	isRejected
	isFailed
)

// try does e as far as that is possible now. A panic in it fails e alone.
func (b *batch) try(ctx context.Context, e *errand) {
	defer func() {
		if cause := recover(); cause != nil {
			e.fail(errors.New(panicked(cause)))
		}
	}()
	switch {
	case ctx.Err() != nil:
		e.fail(errors.New("out of time"))
	case e.rejection != nil:
		e.conclude(isRejected, b.relay.Delivery.Reject(ctx, *e.rejection))
		return
	default:
		b.attempt(ctx, e)
	}
	if e.outcome == isFailed && e.pending != nil && ctx.Err() == nil {
		if err := e.pending.Postpone(ctx); err != nil {
			e.err = fmt.Errorf("%w; %w", e.err, err)
		}
	}
}

// attempt asks for the order's result and delivers it, unless that is done or cannot
// be done yet.
func (b *batch) attempt(ctx context.Context, e *errand) {
	if e.pending == nil {
		pending, err := b.relay.Delivery.Check(ctx, e.order)
		if err != nil || pending == nil {
			e.conclude(isSkipped, err)
			return
		}
		e.pending = pending
	}
	if e.pending.Archived() {
		b.conclude(e, e.pending.Tell(ctx))
		return
	}
	if !e.large && !b.hand(ctx, e, 1, usualAnswer) {
		return
	}
	e.large = true
	b.hand(ctx, e, deliverWorkers, photoLimit)
}

// hand asks for the result and hands it to the sinks, with that many shares of the
// memory. It reports whether the answer was too large for that.
func (b *batch) hand(ctx context.Context, e *errand, shares int64, limit int) (tooLarge bool) {
	if err := b.memory.Acquire(ctx, shares); err != nil {
		e.fail(errors.New("out of time"))
		return false
	}
	defer b.memory.Release(shares)
	if shares == deliverWorkers {
		debug.FreeOSMemory() // the last large answer would be kept until there is twice as much
	}
	e.query.WithPhotos, e.query.Limit = true, limit
	answer, err := b.relay.ask(ctx, e.query, &e.line)
	if err != nil {
		var call *upstream.Error
		if errors.As(err, &call) && call.Reason == upstream.TooLarge {
			e.fail(fmt.Errorf("the answer has more than %d MB", limit>>20))
			return true
		}
		e.fail(errors.New(failed(err).msg))
		return false
	}
	switch answer.Class {
	case upstream.Success, upstream.Business:
		b.pass(ctx, e, answer)
	case upstream.NotFound:
		b.wait(ctx, e, errors.New("there is no result yet"))
	case upstream.Rejected:
		b.refuse(ctx, e, answer)
	default:
		e.fail(fmt.Errorf("the upstream answered code %s", answer.Code))
	}
	return false
}

// refuse deals with an order that the upstream rejects. Where another renewal would not
// help either, trying again would not: it would fail the whole batch, at every retry, for
// as long as the platform retries. The order is set aside for people to look at. As all
// orders of an app look like that where its secret is wrong, it is kept where it can be
// replayed as it is, and not among the malformed ones.
func (b *batch) refuse(ctx context.Context, e *errand, answer *upstream.Answer) {
	err := fmt.Errorf("the upstream answered code %s", answer.Code)
	if e.line.ticket != string(ticket.Rejected) || e.event == eventInvoke { // the caller is there to be told
		e.fail(err)
		return
	}
	r := delivery.Rejection{Message: e.message, Reason: err.Error() + ", with whatever ticket it is asked", Event: e.event}
	e.conclude(isRejected, e.pending.SetAside(ctx, r))
	if e.err == nil {
		e.err = fmt.Errorf("%w, with whatever ticket it is asked: set aside", err)
	}
}

// pass delivers an answer that has all its photos, or as many as it will have.
func (b *batch) pass(ctx context.Context, e *errand, answer *upstream.Answer) {
	if e.first.IsZero() {
		e.first = time.Now()
	}
	photos := answer.Photos(e.query.Type)
	spans := make([]delivery.Span, len(photos))
	for i, photo := range photos {
		spans[i] = delivery.Span(photo)
	}
	parcel := delivery.Pack(answer.Body, spans)

	// A refusal has no photos. A card that was recognised has its original at least; a
	// crop may stay empty.
	there := func(field string) bool {
		return slices.ContainsFunc(photos, func(p upstream.Photo) bool { return p.Field == field })
	}
	due := answer.Class == upstream.Success && len(photos) == 0 ||
		slices.ContainsFunc(answer.Originals(e.query.Type), func(field string) bool { return !there(field) })
	late := (answer.Class == upstream.Success || answer.HasResult()) && len(parcel.Photos) < len(e.query.Type.Photos())
	switch {
	case due:
		b.wait(ctx, e, errors.New("the photos are not there yet"))
	case late && time.Since(e.first) < cropPatience && b.mayWait(ctx):
		e.again()
	default:
		b.conclude(e, e.pending.Deliver(ctx, parcel))
	}
}

// wait has e tried again a little later, or fails it where the time is up.
func (b *batch) wait(ctx context.Context, e *errand, reason error) {
	if !b.mayWait(ctx) {
		e.fail(reason)
		return
	}
	e.again()
}

// mayWait reports whether there is time for another query, and for writing after it.
func (b *batch) mayWait(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > askPause+b.reserve
}

// conclude takes what the sinks said. Trying again cannot tell a webhook that is not
// configured: an event that is retried by itself must not fail for it, but the invocation
// of somebody who replays the mark does.
func (b *batch) conclude(e *errand, err error) {
	if errors.Is(err, delivery.ErrGone) && e.event != eventInvoke {
		e.outcome, e.err = isSkipped, err
		return
	}
	e.conclude(isDelivered, err)
}

func (e *errand) again() { e.outcome, e.due = waits, time.Now().Add(askPause) }

func (e *errand) fail(err error) { e.conclude(isFailed, err) }

func (e *errand) conclude(o outcome, err error) {
	e.outcome, e.err = o, err
	if err != nil {
		e.outcome = isFailed
	}
}

// log writes the line of an errand that failed, or was set aside.
func (e *errand) log(log *slog.Logger, id string) {
	if e.rejection != nil {
		log.Warn("delivery failed", "request_id", id, "message", e.name, "error", e.err.Error())
		return
	}
	log.Warn("delivery failed", "request_id", id, "type", string(e.query.Type), "app_id", e.query.AppID,
		"order", orderHash(e.query.OrderNo), "error", e.err.Error(), "upstream_code", e.line.code,
		"ticket", e.line.ticket, "attempts", e.line.attempts, "upstream_ms", milliseconds(e.line.upstream))
}
