// Package handler turns one request into one response and one event into its
// effect, the same way for both kinds of function.
package handler

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"kyc-ocr-relay/internal/budget"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/upstream"
)

// Handler is the entrance of both transports.
type Handler struct {
	relays *relay.Current
	budget *budget.Budget // of requests to the Web function, which may be many at a time
	log    *slog.Logger
}

// New returns a Handler that has the Relay of the settings in force act.
func New(relays *relay.Current, log *slog.Logger) *Handler {
	return &Handler{relays: relays, budget: budget.New(), log: log}
}

// request is an HTTP request, whichever transport brought it.
type request struct {
	id            string
	method        string
	path          string // as sent, percent-encoded
	query         []param
	authorization []string
	limit         int          // bytes that the response may have
	event         bool         // the response travels as JSON text, and limit counts for that
	hold          *budget.Hold // of the memory for answers; nil: the instance has no other request
}

// param is one query parameter, decoded.
type param struct{ name, value string }

// response is what the transports write.
type response struct {
	status      int
	contentType string
	body        []byte
	base64      bool // body is the Base64 text of the bytes to send

	allow      string // Allow, or ""
	retryAfter int    // Retry-After in seconds, or 0
	challenge  bool   // WWW-Authenticate

	buffer  []byte  // has body at its end, where that is an answer of the upstream
	marks   []int32 // where a JSON string of body needs a backslash; nil: not known
	payload []byte  // the whole as an event's return value; nil until encoded
}

// serve answers an HTTP request of either transport and writes its line into the log.
func (h *Handler) serve(ctx context.Context, req *request) *response {
	line := logLine{start: time.Now(), id: req.id}
	return line.guard(h.log, func() *response {
		resp := h.answer(ctx, req, &line)
		if !req.event {
			return resp
		}
		if resp.payload = resp.encode(req.id); len(resp.payload) <= req.limit {
			return resp
		}
		if resp.base64 {
			return line.fail(failPhotoTooLarge)
		}
		return line.fail(failTooLarge)
	})
}

// answer is authenticate, route, admit, act.
func (h *Handler) answer(ctx context.Context, req *request, line *logLine) *response {
	r, caller, known, err := h.authenticate(ctx, req.authorization)
	if err != nil {
		return line.fail(failed(err))
	}
	to := findRoute(r.RoutePrefix, req.path)
	line.route, line.typ = to.name, to.typ
	switch {
	case !known && to.name != routeHealth:
		return line.fail(failUnauthenticated)
	case to.name == routeNone:
		line.caller = caller
		return line.fail(failNoRoute)
	case req.method != "GET":
		line.caller = caller
		return line.fail(failMethod)
	case to.name == routeHealth:
		return health(r)
	}
	line.caller = caller
	q, fail := req.ask(r, to)
	line.app, line.order = q.AppID, q.OrderNo
	if fail != nil {
		return line.fail(*fail)
	}
	if req.hold != nil {
		if !req.hold.Admit(q.WithPhotos || to.name == routePhoto) {
			return line.fail(failLimit)
		}
		q.Memory = req.hold
	}
	if to.name == routePhoto {
		return h.photo(ctx, r, q, to.photo, req.limit, line)
	}
	if req.event {
		q.Room = eventRoom
	}
	q.Limit = req.limit
	return h.result(ctx, r, q, line)
}

// authenticate returns the Relay that serves a request, and whether its caller is known and by
// what name. For one that is not known nobody is asked whether the settings have changed.
func (h *Handler) authenticate(ctx context.Context, authorization []string) (r *relay.Relay, caller string, known bool, err error) {
	if r, err = h.relays.Serving(ctx); err != nil {
		return nil, "", false, err
	}
	caller, known = callerOf(r, authorization)
	if !known || r.Stale == nil {
		return r, caller, known, nil
	}
	if r, err = h.relays.Get(ctx); err != nil {
		return nil, "", false, err
	}
	caller, known = callerOf(r, authorization)
	return r, caller, known, nil
}

// callerOf returns the name of the caller who sent the Authorization headers.
func callerOf(r *relay.Relay, authorization []string) (name string, known bool) {
	if r.NoAuth {
		return "", true
	}
	if len(authorization) != 1 {
		return "", false
	}
	scheme, token, _ := strings.Cut(authorization[0], " ")
	name, known = r.Caller(strings.TrimSpace(token))
	return name, known && strings.EqualFold(scheme, "Bearer")
}

// result hands on the upstream's answer as it is.
func (h *Handler) result(ctx context.Context, r *relay.Relay, q upstream.Query, line *logLine) *response {
	answer, err := h.relays.Ask(ctx, r, q, &line.trace)
	if err != nil {
		return line.fail(failed(err))
	}
	return passOn(answer)
}

// passOn makes the upstream's answer ours, whatever its code.
func passOn(answer *upstream.Answer) *response {
	resp := &response{status: statuses[answer.Class], contentType: jsonType, body: answer.Body, buffer: answer.Buffer, marks: answer.Marks}
	if answer.Class == upstream.Throttled {
		resp.retryAfter = throttleSeconds
	}
	return resp
}
