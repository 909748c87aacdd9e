package handler

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// lookPause is between two looks for another secret while the upstream refuses the one in
// use: short enough to be back at once, long enough for the secrets manager's quota.
const lookPause = time.Second

// Handler is the entrance of both transports. It builds the Relay when the first
// request comes, because the platform may deliver the environment with it, and
// tries again with the next one as long as that fails.
type Handler struct {
	build func(context.Context) (*Relay, error)
	log   *slog.Logger

	budget *budget // of HTTP requests, which may be many at a time

	gate   chan struct{} // held while the Relay is replaced; who waits minds its own deadline
	looked time.Time     // when successor looked last, by the wall clock; of whoever holds the gate
	relay  atomic.Pointer[Relay]
}

// NewHandler returns a Handler. The error of build is shown to every caller: it
// names what is wrong with the configuration, and holds no value of it.
func NewHandler(build func(context.Context) (*Relay, error), log *slog.Logger) *Handler {
	return &Handler{build: build, log: log, budget: newBudget(), gate: make(chan struct{}, 1)}
}

// open returns the Relay, or the answer that says why there is none. Where one is
// stale and no other can be built, it goes on serving.
func (h *Handler) open(ctx context.Context) (*Relay, *failure) {
	old := h.relay.Load()
	if old != nil && (old.Stale == nil || !old.Stale(ctx, false)) {
		return old, nil
	}
	return h.renew(ctx, old)
}

// openFor is open for an HTTP request. For one that is not authenticated nobody is asked
// whether there is something new; the Relay will refuse it.
func (h *Handler) openFor(ctx context.Context, req *request) (*Relay, *failure) {
	r := h.relay.Load()
	if r == nil {
		return h.renew(ctx, nil)
	}
	if r.Stale == nil {
		return r, nil
	}
	if _, ok := r.authenticate(req.authorization); !ok || !r.Stale(ctx, false) {
		return r, nil
	}
	return h.renew(ctx, r)
}

// renew returns another Relay than old, or old where none can be built.
func (h *Handler) renew(ctx context.Context, old *Relay) (*Relay, *failure) {
	if err := h.enter(ctx); err != nil {
		if old != nil {
			return old, nil
		}
		fail := failed(err)
		return nil, &fail
	}
	defer h.leave()
	if r := h.relay.Load(); r != old {
		return r, nil
	}
	r, err := h.replace(ctx, old)
	if r == nil {
		return nil, &failure{status: 500, code: codeConfiguration, msg: err.Error()}
	}
	return r, nil
}

// successor returns the Relay to ask in place of r, whose credential the upstream refuses:
// the one that has replaced it, or one built now if what r was built from has changed, and
// nil where neither is so. One request looks, those that are refused meanwhile wait for it.
func (h *Handler) successor(ctx context.Context, r *Relay) *Relay {
	if r.Stale == nil || h.enter(ctx) != nil {
		return nil
	}
	defer h.leave()
	if current := h.relay.Load(); current != r {
		return current
	}
	if ago := time.Now().Round(0).Sub(h.looked); ago >= 0 && ago < lookPause {
		return nil
	}
	changed := r.Stale(ctx, true)
	if ctx.Err() == nil { // else the look may have ended with its request: the next one looks
		h.looked = time.Now().Round(0)
	}
	if !changed {
		return nil
	}
	next, err := h.replace(ctx, r)
	if err != nil {
		return nil
	}
	return next
}

// replace builds a Relay in place of old. Where that fails it returns old, which goes on,
// if there is one. The gate is held.
func (h *Handler) replace(ctx context.Context, old *Relay) (*Relay, error) {
	r, err := h.build(ctx)
	if err != nil {
		if old != nil {
			h.log.Error("configuration", "error", codeConfiguration, "detail", err.Error())
		}
		return old, err
	}
	if old != nil {
		h.log.Info("settings changed")
	}
	r.successor = h.successor
	h.relay.Store(r)
	return r, nil
}

func (h *Handler) enter(ctx context.Context) error {
	select {
	case h.gate <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Handler) leave() { <-h.gate }

// serve answers one HTTP request of either transport.
func (h *Handler) serve(ctx context.Context, req *request) (resp *response) {
	defer func() {
		if cause := recover(); cause != nil {
			h.panicked(req.id, panicked(cause))
			resp = failInternal.response(req.id)
		}
	}()
	r, fail := h.openFor(ctx, req)
	if fail != nil {
		h.log.Error("configuration", "request_id", req.id, "status", fail.status, "error", fail.code, "detail", fail.msg)
		return fail.response(req.id)
	}
	return r.serve(ctx, req)
}

// panicked logs a panic that no request's line tells of.
func (h *Handler) panicked(id, detail string) {
	h.log.Error("panic", "request_id", id, "status", failInternal.status, "error", failInternal.code, "detail", detail)
}
