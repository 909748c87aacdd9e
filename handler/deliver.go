package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"kyc-ocr-relay/internal/delivery"
)

const (
	// deliverWorkers is how many orders are worked on at a time: enough to hide the
	// latency of the upstream and the sinks, few enough not to be throttled.
	deliverWorkers = 4

	// maxReserve is kept of an invocation's time for writing what was waited for; of a
	// short one it is a quarter.
	maxReserve = 5 * time.Second
)

var failNoSinks = failure{status: 500, code: codeConfiguration, msg: "DELIVER_TO: required where events are to be delivered"}

// deliveries is the effect of an event after OCR.
type deliveries struct {
	Delivered []string `json:"delivered"`
	Skipped   []string `json:"skipped"`
	Rejected  []string `json:"rejected"`
}

// batch is the delivery of an event's records.
type batch struct {
	relay   *Relay
	id      string
	start   time.Time
	reserve time.Duration
	memory  *semaphore.Weighted // a share for an answer of usual size, all for a large one

	kind    string
	records int
	foreign int
	errands []*errand // one an order, and one a malformed message
	twice   []string  // names of those that came again
}

// deliver delivers the orders in an event. The error names those that have to be
// tried again; the platform does so with the whole event.
func (r *Relay) deliver(ctx context.Context, id string, list []record) ([]byte, error) {
	if r.Delivery == nil {
		r.Log.Error("configuration", "request_id", id, "error", failNoSinks.code, "detail", failNoSinks.msg)
		return nil, errors.New(string(failNoSinks.body(id)))
	}
	b := &batch{relay: r, id: id, start: time.Now(), records: len(list), memory: semaphore.NewWeighted(deliverWorkers)}
	b.reserve = maxReserve
	if deadline, ok := ctx.Deadline(); ok {
		b.reserve = min(maxReserve, time.Until(deadline)/4)
	}
	known := map[string]bool{}
	for _, rec := range list {
		b.kind = rec.kind
		if rec.foreign {
			b.foreign++
			continue
		}
		e := r.errand(rec)
		if known[e.name] {
			b.twice = append(b.twice, e.name)
			continue
		}
		known[e.name] = true
		b.errands = append(b.errands, e)
	}
	b.run(ctx)
	return b.report()
}

// deliverOne is deliver for a direct invocation, whose mistakes are the caller's to
// mend: they are not kept.
func (r *Relay) deliverOne(ctx context.Context, id string, event map[string]json.RawMessage) ([]byte, error) {
	q := r.asked(event)
	fail := &failNoRoute
	if q.Type.IsKnown() {
		fail = r.check(&q)
	}
	if fail != nil {
		r.Log.Info("deliver", "request_id", id, "event", eventInvoke, "error", fail.code, "detail", fail.msg)
		return nil, errors.New(string(fail.body(id)))
	}
	message, err := json.Marshal(map[string]string{"type": string(q.Type), "order_no": q.OrderNo, "app_id": q.AppID})
	if err != nil {
		panic(err) // text does not fail
	}
	return r.deliver(ctx, id, []record{{kind: eventInvoke, text: string(message)}})
}

// errand makes a record something to do.
func (r *Relay) errand(rec record) *errand {
	q, reason := r.order(rec)
	if reason != "" {
		rejection := delivery.Rejection{Message: rec.text, Reason: reason, Event: rec.kind}
		return &errand{name: rejection.Name(), rejection: &rejection}
	}
	order := delivery.Order{AppID: q.AppID, Type: string(q.Type), No: q.OrderNo}
	return &errand{name: order.String(), order: order, query: q, event: rec.kind, message: rec.text}
}

// run does all errands, side by side. One that has to wait goes to the end of the
// queue: it holds up nobody, and each is tried once before any is tried again.
func (b *batch) run(ctx context.Context) {
	if len(b.errands) == 0 {
		return
	}
	queue := make(chan *errand, len(b.errands))
	for _, e := range b.errands {
		queue <- e
	}
	var open atomic.Int64
	open.Store(int64(len(b.errands)))
	var group sync.WaitGroup
	for range min(deliverWorkers, len(b.errands)) {
		group.Go(func() {
			for e := range queue {
				sleepUntil(ctx, e.due)
				if b.try(ctx, e); e.outcome == waits {
					queue <- e
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

// report writes the log and makes the return value.
func (b *batch) report() ([]byte, error) {
	result := deliveries{[]string{}, []string{}, []string{}}
	var failed []string
	level := slog.LevelInfo
	for _, e := range b.errands {
		if e.err != nil {
			level = slog.LevelWarn
			e.log(b.relay.Log, b.id)
		}
		switch e.outcome {
		case isDelivered:
			result.Delivered = append(result.Delivered, e.name)
		case isSkipped:
			result.Skipped = append(result.Skipped, e.name)
		case isRejected:
			result.Rejected = append(result.Rejected, e.name)
		default:
			failed = append(failed, fmt.Sprintf("%s (%v)", e.name, e.err))
		}
	}
	result.Skipped = append(result.Skipped, b.twice...)
	b.relay.Log.Log(context.Background(), level, "deliver", "request_id", b.id, "event", b.kind, "records", b.records,
		"delivered", len(result.Delivered), "skipped", len(result.Skipped), "rejected", len(result.Rejected),
		"ignored", b.foreign, "failed", len(failed), "total_ms", milliseconds(time.Since(b.start)))
	if len(failed) > 0 {
		return nil, fmt.Errorf("deliver: %d of %d records have to be tried again: %s", len(failed), b.records, strings.Join(failed, ", "))
	}
	return json.Marshal(result)
}
