package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kyc-ocr-relay/internal/budget"
	"kyc-ocr-relay/internal/delivery"
	"kyc-ocr-relay/internal/jsonscan"
	"kyc-ocr-relay/internal/order"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/scf"
	"kyc-ocr-relay/internal/upstream"
)

// event is an event of the event function, by the members of its JSON object.
type event map[string]json.RawMessage

func (e event) has(member string) bool { _, ok := e[member]; return ok }
func (e event) isHTTP() bool           { return e.has("httpMethod") }
func (e event) isTimer() bool          { return jsonscan.Text(e["Type"]) == "Timer" }

// isDirect reports whether somebody invoked the function for one order.
func (e event) isDirect() bool { return e.has("action") || e.has("order_no") }

// Invoke answers an event of the event function: an HTTP request, a timer, something
// with order messages in it, or a direct invocation. invocation is its id. The
// returned bytes are the function's return value; they are valid until the next event, and not to
// be changed.
func (h *Handler) Invoke(ctx context.Context, invocation string, payload []byte) (value []byte, err error) {
	deepen()
	id := requestID(invocation)
	memory := h.last.Begin()
	defer memory.End()
	var e event
	panicked := caught(func() {
		if e, err = decode(payload); err == nil {
			value, err = h.handle(ctx, id, e, payload, memory)
		}
	})
	switch {
	case panicked == "":
		return value, err
	case e.isHTTP(): // an error would reach the client with an unspecified status
		h.panicked(id, panicked)
		return failInternal.response(id).encode(id), nil
	}
	h.panicked(id, panicked)
	return nil, errors.New(string(failInternal.body(id)))
}

func decode(payload []byte) (event, error) {
	if len(payload) > usualEvent && hasManyMembers(payload) {
		return nil, errors.New("the event has too many members")
	}
	e, ok := jsonscan.Decode(payload)
	if !ok {
		return nil, errors.New("the event is not a JSON object")
	}
	return e, nil
}

// handle does what e asks for.
func (h *Handler) handle(ctx context.Context, id string, e event, payload []byte, memory *budget.Lent) ([]byte, error) {
	if e.isHTTP() {
		return h.http(ctx, id, e, memory), nil
	}
	var messages []order.Message
	if !e.isTimer() && !e.isDirect() {
		var known bool
		if messages, known = order.Decode(payload); !known {
			return nil, unknownEvent(e)
		}
	}
	r, err := h.relays.Get(ctx)
	if err != nil {
		fail := failed(err)
		h.log.Error("configuration", "request_id", id, "error", fail.code, "detail", fail.msg)
		return nil, errors.New(string(fail.body(id)))
	}
	action := jsonscan.Text(e["action"])
	switch {
	case e.isTimer(), action == "renew":
		return h.renew(ctx, id, r)
	case !e.isDirect():
		return h.deliver(ctx, id, r, messages)
	case action == "deliver":
		return h.deliverOne(ctx, id, r, order.Named(e, r.DefaultApp))
	case action == "query", order.IsUnset(e["action"]):
		return h.query(ctx, id, r, e, memory)
	}
	return nil, errors.New("unknown action: query, deliver and renew are known")
}

// http answers an HTTP request that came as an event, of API Gateway or of a
// Function URL.
func (h *Handler) http(ctx context.Context, id string, e event, memory *budget.Lent) []byte {
	req := &request{
		id:     id,
		method: jsonscan.Text(e["httpMethod"]),
		path:   jsonscan.Text(e["path"]),
		limit:  scf.ResponseLimit,
		event:  true,
		memory: memory,
		source: func() ([]byte, error) { return eventBody(e) },
	}
	if !decodeQuery(e["queryString"], req.add) {
		decodeQuery(e["queryStringParameters"], req.add)
	}
	decodePairs(e["headers"], func(name, value string) {
		if strings.EqualFold(name, "Authorization") && len(req.authorization) < 2 {
			req.authorization = append(req.authorization, value)
		}
	})
	resp := h.serve(ctx, req)
	if resp.payload == nil {
		return resp.encode(id)
	}
	return resp.payload
}

// renew renews every app's pair that is due.
func (h *Handler) renew(ctx context.Context, id string, r *relay.Relay) ([]byte, error) {
	start := time.Now()
	done := r.Renew(ctx)
	h.log.Info("renew", "request_id", id, "renewed", len(done.Renewed), "fresh", len(done.Fresh),
		"failed", len(done.Failed), upstream.Milliseconds("total_ms", time.Since(start)))
	return json.Marshal(done)
}

// deliver delivers the orders in an event. The error names those that have to be
// tried again; the platform does so with the whole event.
func (h *Handler) deliver(ctx context.Context, id string, r *relay.Relay, messages []order.Message) ([]byte, error) {
	if r.Delivery == nil {
		h.log.Error("configuration", "request_id", id, "error", failNoSinks.code, "detail", failNoSinks.msg)
		return nil, errors.New(string(failNoSinks.body(id)))
	}
	report, err := delivery.Batch{
		Sinks: r.Delivery,
		Read: func(m order.Message) (upstream.Query, error) {
			o, err := m.Order(r.DefaultApp)
			if err != nil {
				return upstream.Query{}, err
			}
			return r.Named(o)
		},
		Ask: func(ctx context.Context, q upstream.Query, t *upstream.Trace) (*upstream.Answer, error) {
			return h.relays.Ask(ctx, r, q, t)
		},
		Explain: func(err error) string { return failed(err).msg },
		Log:     h.log,
		ID:      id,
	}.Deliver(ctx, messages)
	if err != nil {
		return nil, err
	}
	return json.Marshal(report)
}

// deliverOne is deliver for a direct invocation, whose mistakes are the caller's to
// mend: they are not kept.
func (h *Handler) deliverOne(ctx context.Context, id string, r *relay.Relay, o order.Order) ([]byte, error) {
	if _, err := r.Named(o); err != nil {
		fail := failed(err)
		h.log.Info("deliver", "request_id", id, "event", order.Invoke, "error", fail.code, "detail", fail.msg)
		return nil, errors.New(string(fail.body(id)))
	}
	return h.deliver(ctx, id, r, []order.Message{order.Of(o)})
}

// query answers a direct invocation: the upstream's JSON whatever its code, or an
// error whose message is the body that the HTTP routes would have answered with.
func (h *Handler) query(ctx context.Context, id string, r *relay.Relay, e event, memory *budget.Lent) ([]byte, error) {
	line := logLine{start: time.Now(), id: id, route: "invoke"}
	resp := line.guard(h.log, func() *response {
		q, err := r.Named(order.Named(e, r.DefaultApp))
		if errors.Is(err, relay.ErrType) {
			return line.fail(failNoRoute)
		}
		line.typ, line.app, line.order = q.Type, q.AppID, q.OrderNo
		if err != nil {
			return line.fail(failed(err))
		}
		q.WithPhotos, q.WithNative, q.Limit, q.Memory = flag(e["get_file"]), flag(e["get_native"]), scf.ResponseLimit, memory
		answer, err := h.relays.Ask(ctx, r, q, &line.trace)
		if err != nil {
			return line.fail(failed(err))
		}
		return passOn(answer)
	})
	if line.failed != "" {
		return nil, errors.New(string(resp.body))
	}
	return resp.body, nil
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
func unknownEvent(e event) error {
	const most = 20
	keys := make([]string, 0, len(e))
	for key := range e {
		keys = append(keys, fmt.Sprintf("%.40q", key))
	}
	slices.Sort(keys)
	if len(keys) > most {
		keys = append(keys[:most], "…")
	}
	return fmt.Errorf("unknown event with the keys %s", strings.Join(keys, ", "))
}

// flag reports whether raw is 1, "1" or true.
func flag(raw json.RawMessage) bool {
	switch string(bytes.TrimSpace(raw)) {
	case `1`, `"1"`, `true`:
		return true
	}
	return false
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
