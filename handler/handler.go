// Package handler turns one request into one response and one event into its
// effect, the same way for both kinds of function.
package handler

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"kyc-ocr-relay/internal/budget"
	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/order"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/upstream"
)

// Handler is the entrance of both transports.
type Handler struct {
	relays *relay.Current
	loans  relay.Loans
	budget *budget.Budget // of requests to the Web function, which may be many at a time
	last   budget.Last    // of events, which are one at a time
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
	limit         int                    // bytes that the response may have
	event         bool                   // the response travels as JSON text, and limit counts for that
	large         bool                   // the body is, or its size is not known
	source        func() ([]byte, error) // reads the body, once
	bodyRead      bool                   // to its end
	hold          *budget.Hold           // of the memory for answers; nil: the instance has no other request
	memory        upstream.Memory        // for the answer
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

// exchange is a request on its way through answer.
type exchange struct {
	*request
	relay  *relay.Relay
	caller *config.Caller
	to     route
	line   *logLine
	sent   *upstream.Body // nil until it was read
}

// answer is authenticate, route, admit, act.
func (h *Handler) answer(ctx context.Context, req *request, line *logLine) *response {
	r, caller, err := h.authenticate(ctx, req.authorization)
	if err != nil {
		return line.fail(failed(err))
	}
	to := findRoute(r.RoutePrefix, req.path)
	line.route, line.typ = to.name, to.typ
	x := &exchange{request: req, relay: r, caller: caller, to: to, line: line}
	if to.name == routeHealth && req.method == to.method {
		return h.health(r)
	}
	if caller == nil && len(req.authorization) == 0 && req.method == to.method {
		caller, resp := h.proven(ctx, x) // of a server that was written for the vendor
		if resp != nil {
			return resp
		}
		if caller != nil && r.Stale != nil {
			if x.relay, err = h.relays.Get(ctx); err != nil {
				return line.fail(failed(err))
			}
		}
		x.caller = caller
	}
	switch {
	case x.caller != nil:
		line.caller = x.caller.Name
	case to.name != routeHealth:
		return line.fail(failUnauthenticated)
	}
	switch {
	case to.name == routeNone:
		return line.fail(failNoRoute)
	case req.method != to.method:
		return line.fail(failMethod(to.method))
	case !x.caller.May(to.scope):
		return line.fail(failScope(to.scope))
	}
	switch {
	case to.name == routeToken, to.name == routeTicket:
		return h.lend(ctx, x)
	case to.name == routeCheck:
		return h.check(ctx, x)
	case to.name == routeStartOCR, to.name == routeStartFace:
		return h.start(ctx, x)
	case to.method == http.MethodPost:
		return h.forward(ctx, x)
	}
	return h.result(ctx, x)
}

// authenticate returns the Relay that serves a request, and the caller, nil where nobody knows
// it. For one that is not known nobody is asked whether the settings have changed.
func (h *Handler) authenticate(ctx context.Context, authorization []string) (*relay.Relay, *config.Caller, error) {
	r, err := h.relays.Serving(ctx)
	if err != nil {
		return nil, nil, err
	}
	caller := callerOf(r, authorization)
	if caller == nil || r.Stale == nil {
		return r, caller, nil
	}
	if r, err = h.relays.Get(ctx); err != nil {
		return nil, nil, err
	}
	return r, callerOf(r, authorization), nil
}

// callerOf returns the caller who sent the Authorization headers, nil where nobody knows it.
func callerOf(r *relay.Relay, authorization []string) *config.Caller {
	if r.NoAuth {
		return &config.Caller{}
	}
	if len(authorization) != 1 {
		return nil
	}
	scheme, token, _ := strings.Cut(authorization[0], " ")
	caller := r.Caller(strings.TrimSpace(token))
	if !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	return caller
}

// mayAsk checks what a request asks about: an app that is configured and the caller's, and an
// order number. What is wrong does not stay, as it would reach the log.
func (x *exchange) mayAsk(app, orderNo *string) *failure {
	switch {
	case !slices.Contains(x.relay.Apps, *app):
		*app = ""
		return failAppID()
	case !x.caller.MayUse(*app):
		x.line.app = *app
		return &failApp
	case !order.IsNo(*orderNo):
		x.line.app, *orderNo = *app, ""
		return failOrderNo()
	}
	x.line.app, x.line.order = *app, *orderNo
	return nil
}

// admit takes what the answer is expected to need of the memory, and reports whether there is
// as much.
func (req *request) admit(large bool) bool { return req.hold == nil || req.hold.Admit(large) }

// room is what the upstream's answer gets in front of it.
func (req *request) room() int {
	if req.event {
		return eventRoom
	}
	return 0
}

// result hands on the answer of a result query as it is, or one photo or the video of it.
func (h *Handler) result(ctx context.Context, x *exchange) *response {
	call, p, fail := x.params()
	if fail != nil {
		return x.line.fail(*fail)
	}
	if !x.admit(p.Files != "" || x.to.name == routePhoto) {
		return x.line.fail(failLimit)
	}
	p.Memory = x.memory
	if x.to.name == routePhoto {
		return h.photo(ctx, x, call, p)
	}
	p.Limit, p.Room = x.limit, x.room()
	return h.pass(ctx, x, call, p)
}

// forward hands on a POST as the caller sent it, signed.
func (h *Handler) forward(ctx context.Context, x *exchange) *response {
	body, fail := x.upload()
	if fail != nil {
		return x.line.fail(*fail)
	}
	p := upstream.Params{AppID: body.AppID, OrderNo: body.OrderNo, Body: body, Limit: x.limit, Room: x.room(), Memory: x.memory}
	if p.AppID == "" {
		p.AppID = x.relay.DefaultApp
	}
	if fail := x.mayAsk(&p.AppID, &p.OrderNo); fail != nil {
		return x.line.fail(*fail)
	}
	return h.pass(ctx, x, x.to.call, p)
}

// upload reads the body of a call, once.
func (x *exchange) upload() (*upstream.Body, *failure) {
	if x.sent != nil {
		return x.sent, nil
	}
	text, fail := x.read()
	if fail != nil {
		return nil, fail
	}
	body, err := upstream.ReadBody(x.to.call, text)
	if err != nil {
		fail := failed(err)
		return nil, &fail
	}
	x.sent = body
	return body, nil
}

// pass makes a call and hands on the upstream's answer as it is.
func (h *Handler) pass(ctx context.Context, x *exchange, call upstream.Call, p upstream.Params) *response {
	answer, err := h.call(ctx, x, call, p)
	if err != nil {
		return x.line.fail(failed(err))
	}
	return passOn(answer)
}

// call makes a call with the pair of the app.
func (h *Handler) call(ctx context.Context, x *exchange, call upstream.Call, p upstream.Params) (*upstream.Answer, error) {
	return h.relays.Act(ctx, x.relay, p.AppID, func(r *relay.Relay) (*upstream.Answer, error) {
		return r.Call(ctx, call, p, &x.line.trace)
	})
}

// passOn makes the upstream's answer ours, whatever its code.
func passOn(answer *upstream.Answer) *response {
	resp := &response{status: statuses[answer.Class], contentType: jsonType, body: answer.Body, buffer: answer.Buffer, marks: answer.Marks}
	if answer.Class == upstream.Throttled {
		resp.retryAfter = throttleSeconds
	}
	return resp
}
