package handler

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
)

// Handler is the entrance of both transports. It builds the Relay when the first
// request comes, because the platform may deliver the environment with it, and
// tries again with the next one as long as that fails.
type Handler struct {
	build func(context.Context) (*Relay, error)
	log   *slog.Logger

	budget *budget // of HTTP requests, which may be many at a time

	mu    sync.Mutex
	relay atomic.Pointer[Relay]
}

// NewHandler returns a Handler. The error of build is shown to every caller: it
// names what is wrong with the configuration, and holds no value of it.
func NewHandler(build func(context.Context) (*Relay, error), log *slog.Logger) *Handler {
	return &Handler{build: build, log: log, budget: newBudget()}
}

// open returns the Relay, or the answer that says why there is none. Where one is
// stale and no other can be built, it goes on serving.
func (h *Handler) open(ctx context.Context) (*Relay, *failure) {
	old := h.relay.Load()
	if old != nil && (old.Stale == nil || !old.Stale(ctx)) {
		return old, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.relay.Load(); r != old {
		return r, nil
	}
	r, err := h.build(ctx)
	if err != nil && old != nil {
		h.log.Error("configuration", "error", codeConfiguration, "detail", err.Error())
		return old, nil
	}
	if err != nil {
		return nil, &failure{status: 500, code: codeConfiguration, msg: err.Error()}
	}
	h.relay.Store(r)
	return r, nil
}

// serve answers one HTTP request of either transport.
func (h *Handler) serve(ctx context.Context, req *request) (resp *response) {
	defer func() {
		if cause := recover(); cause != nil {
			h.panicked(req.id, panicked(cause))
			resp = failInternal.response(req.id)
		}
	}()
	r, fail := h.open(ctx)
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
