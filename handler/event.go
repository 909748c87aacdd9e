package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"kyc-ocr-relay/internal/jsonscan"
	"kyc-ocr-relay/internal/ticket"
)

// Invoke answers an event of the event function: an HTTP request, a timer, something
// with order messages in it, or a direct invocation. invocation is its id. The
// returned bytes are the function's return value; they are not to be changed.
func (h *Handler) Invoke(ctx context.Context, invocation string, payload []byte) (value []byte, err error) {
	deepen()
	id := requestID(invocation)
	defer func() {
		if cause := recover(); cause != nil {
			h.panicked(id, panicked(cause))
			value, err = nil, errors.New(string(failInternal.body(id)))
		}
	}()
	return h.invoke(ctx, id, payload)
}

// deepen grows the stack at once. net/rpc has a new goroutine for each event, whose stack
// would be doubled, and all frames on it copied, further down the hot path.
//
//go:noinline
func deepen() {
	var frames [8 << 10]byte
	touch(&frames)
}

//go:noinline
func touch(*[8 << 10]byte) {}

func (h *Handler) invoke(ctx context.Context, id string, payload []byte) ([]byte, error) {
	if len(payload) > usualEvent && hasManyMembers(payload) {
		return nil, errors.New("the event has too many members")
	}
	event, ok := jsonscan.Decode(payload)
	if !ok {
		return nil, errors.New("the event is not a JSON object")
	}
	has := func(key string) bool { _, ok := event[key]; return ok }
	if has("httpMethod") {
		return h.http(ctx, id, event)
	}
	timer := jsonscan.Text(event["Type"]) == "Timer"
	direct := has("action") || has("order_no")
	var found []record
	if !timer && !direct {
		var known bool
		if found, known = records(payload); !known {
			return nil, unknownEvent(event)
		}
	}
	r, fail := h.open(ctx)
	if fail != nil {
		h.log.Error("configuration", "request_id", id, "error", fail.code, "detail", fail.msg)
		return nil, errors.New(string(fail.body(id)))
	}
	action := jsonscan.Text(event["action"])
	switch {
	case timer, action == "renew":
		return r.renew(ctx, id)
	case !direct:
		return r.deliver(ctx, id, found)
	case action == "deliver":
		return r.deliverOne(ctx, id, event)
	case action == "query", isUnset(event["action"]):
		return r.invoke(ctx, id, event)
	}
	return nil, errors.New("unknown action: query, deliver and renew are known")
}

// usualEvent is the size up to which an event is harmless, whatever is in it.
const usualEvent = 256 << 10

// hasManyMembers reports whether the event has more members than any of the platform's:
// each costs many times its size.
func hasManyMembers(payload []byte) bool {
	const most = 1000
	d := json.NewDecoder(bytes.NewReader(payload))
	_, _ = d.Token()
	for n := 0; d.More(); n++ {
		if n == most {
			return true
		}
		var value json.RawMessage
		if _, err := d.Token(); err != nil || d.Decode(&value) != nil {
			return false
		}
	}
	return false
}

// unknownEvent names what was seen by its keys alone: values may be anything.
func unknownEvent(event map[string]json.RawMessage) error {
	const most = 20
	keys := make([]string, 0, len(event))
	for key := range event {
		keys = append(keys, fmt.Sprintf("%.40q", key))
	}
	slices.Sort(keys)
	if len(keys) > most {
		keys = append(keys[:most], "…")
	}
	return fmt.Errorf("unknown event with the keys %s", strings.Join(keys, ", "))
}

// renewals is the effect of a timer event.
type renewals struct {
	Renewed []string `json:"renewed"`
	Fresh   []string `json:"fresh"`
	Failed  []string `json:"failed"`
}

// renewing is how many apps a timer event renews at once. A renewal asks the upstream twice
// and the store three times, and the upstream is the slower one: four for each call that the
// store takes at a time keep both busy. All at once would only queue, each with its time
// limit running; and an upstream that throttles is not asked for all apps in one moment.
const renewing = 4 * ticket.StoreCalls

// renew renews every app's pair that is due.
func (r *Relay) renew(ctx context.Context, id string) ([]byte, error) {
	start := time.Now()
	renewed, errs := make([]bool, len(r.Apps)), make([]error, len(r.Apps))
	next := make(chan int)
	var group sync.WaitGroup
	for range min(renewing, len(r.Apps)) {
		group.Go(func() {
			for i := range next {
				renewed[i], errs[i] = r.Tickets.Renew(ctx, r.Apps[i])
			}
		})
	}
	for i := range r.Apps {
		next <- i
	}
	close(next)
	group.Wait()
	result := renewals{[]string{}, []string{}, []string{}}
	for i, app := range r.Apps {
		switch {
		case errs[i] != nil:
			result.Failed = append(result.Failed, app)
		case renewed[i]:
			result.Renewed = append(result.Renewed, app)
		default:
			result.Fresh = append(result.Fresh, app)
		}
	}
	r.Log.Info("renew", "request_id", id, "renewed", len(result.Renewed), "fresh", len(result.Fresh),
		"failed", len(result.Failed), "total_ms", milliseconds(time.Since(start)))
	return json.Marshal(result)
}

// invoke answers a direct invocation: the upstream's JSON whatever its code, or an
// error whose message is the body that the HTTP routes would have answered with.
func (r *Relay) invoke(ctx context.Context, id string, event map[string]json.RawMessage) ([]byte, error) {
	q := r.asked(event)
	q.WithPhotos, q.WithNative = flag(event["get_file"]), flag(event["get_native"])
	line := logLine{start: time.Now(), id: id, route: "invoke"}
	resp := r.guard(&line, func() *response {
		if !q.Type.IsKnown() {
			return line.fail(failNoRoute)
		}
		fail := r.check(&q)
		line.typ, line.app, line.order = q.Type, q.AppID, orderHash(q.OrderNo)
		if fail != nil {
			return line.fail(*fail)
		}
		return r.result(ctx, q, PlatformLimit, &line)
	})
	if line.failed != "" {
		return nil, errors.New(string(resp.body))
	}
	return resp.body, nil
}

// flag reports whether raw is 1, "1" or true.
func flag(raw json.RawMessage) bool {
	switch string(bytes.TrimSpace(raw)) {
	case `1`, `"1"`, `true`:
		return true
	}
	return false
}
