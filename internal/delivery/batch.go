package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"kyc-ocr-relay/internal/order"
	"kyc-ocr-relay/internal/upstream"
)

const (
	// workers is how many orders are worked on at a time: enough to hide the latency of
	// the upstream and the sinks, few enough not to be throttled.
	workers = 4

	// maxReserve is kept of an invocation's time for writing what was waited for; of a
	// short one it is a quarter.
	maxReserve = 5 * time.Second
)

// Batch is the delivery of the messages of one event.
type Batch struct {
	Sinks *Sinks
	// Read returns the query that a message asks for, or why it asks for none.
	Read func(order.Message) (upstream.Query, error)
	// Ask queries the upstream, and notes in the Trace what that came to.
	Ask func(context.Context, upstream.Query, *upstream.Trace) (*upstream.Answer, error)
	// Explain returns what may be said of an error of Ask.
	Explain func(error) string

	Log *slog.Logger
	ID  string // of the request, for the log
}

// Report is the effect of a batch, by the names of orders and of rejected messages.
type Report struct {
	Delivered []string `json:"delivered"`
	Skipped   []string `json:"skipped"`
	Rejected  []string `json:"rejected"`
}

// batch is a Batch on its way.
type batch struct {
	Batch
	start   time.Time
	reserve time.Duration
	memory  *semaphore.Weighted // a share for an answer of usual size, all for a large one

	kind     string
	messages int
	foreign  int
	jobs     []*job   // one an order, and one a malformed message
	twice    []string // names of those that came again
}

// Deliver delivers the orders that the messages name. The error names those that have to
// be tried again. It blocks until all are done, or ctx has ended.
func (of Batch) Deliver(ctx context.Context, messages []order.Message) (Report, error) {
	b := &batch{Batch: of, start: time.Now(), messages: len(messages), memory: semaphore.NewWeighted(workers)}
	b.reserve = maxReserve
	if deadline, ok := ctx.Deadline(); ok {
		b.reserve = min(maxReserve, time.Until(deadline)/4)
	}
	known := map[string]bool{}
	for _, m := range messages {
		b.kind = m.Kind
		if m.Foreign {
			b.foreign++
			continue
		}
		j := b.job(m)
		if known[j.name] {
			b.twice = append(b.twice, j.name)
			continue
		}
		known[j.name] = true
		b.jobs = append(b.jobs, j)
	}
	b.run(ctx)
	return b.report()
}

// job makes a message something to do.
func (b *batch) job(m order.Message) *job {
	q, err := b.Read(m)
	if err != nil {
		rejection := Rejection{Message: m.Text, Reason: err.Error(), Event: m.Kind}
		return &job{name: rejection.Name(), rejection: &rejection}
	}
	o := order.Order{AppID: q.AppID, Type: string(q.Type), No: q.OrderNo}
	return &job{name: o.String(), order: o, query: q, message: m}
}

// run does all jobs, side by side. One that has to wait goes to the end of the queue: it
// holds up nobody, and each is tried once before any is tried again.
func (b *batch) run(ctx context.Context) {
	if len(b.jobs) == 0 {
		return
	}
	queue := make(chan *job, len(b.jobs))
	for _, j := range b.jobs {
		queue <- j
	}
	var open atomic.Int64
	open.Store(int64(len(b.jobs)))
	var group sync.WaitGroup
	for range min(workers, len(b.jobs)) {
		group.Go(func() {
			for j := range queue {
				sleepUntil(ctx, j.due)
				if b.try(ctx, j); j.outcome == waits {
					queue <- j
				} else if open.Add(-1) == 0 {
					close(queue)
				}
			}
		})
	}
	group.Wait()
}

// sleepUntil returns early where ctx ends.
func sleepUntil(ctx context.Context, due time.Time) {
	left := time.Until(due)
	if left <= 0 {
		return
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// report writes the log and makes the Report.
func (b *batch) report() (Report, error) {
	result := Report{[]string{}, []string{}, []string{}}
	var failed []string
	level := slog.LevelInfo
	for _, j := range b.jobs {
		if j.err != nil {
			level = slog.LevelWarn
			j.log(b.Log, b.ID)
		}
		switch j.outcome {
		case isDelivered:
			result.Delivered = append(result.Delivered, j.name)
		case isSkipped:
			result.Skipped = append(result.Skipped, j.name)
		case isRejected:
			result.Rejected = append(result.Rejected, j.name)
		default:
			failed = append(failed, fmt.Sprintf("%s (%v)", j.name, j.err))
		}
	}
	result.Skipped = append(result.Skipped, b.twice...)
	b.Log.Log(context.Background(), level, "deliver", "request_id", b.ID, "event", b.kind, "records", b.messages,
		"delivered", len(result.Delivered), "skipped", len(result.Skipped), "rejected", len(result.Rejected),
		"ignored", b.foreign, "failed", len(failed), upstream.Milliseconds("total_ms", time.Since(b.start)))
	if len(failed) > 0 {
		return result, fmt.Errorf("deliver: %d of %d records have to be tried again: %s", len(failed), b.messages, strings.Join(failed, ", "))
	}
	return result, nil
}
