// Package handler turns one request into one response and one event into its
// effect, the same way for both kinds of function.
package handler

import (
	"context"
	"log/slog"
	"time"

	"kyc-ocr-relay/internal/delivery"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

// Caller is somebody who may ask, known by a token.
type Caller struct {
	Name  string // for the log
	Token secret.Text
}

// Config configures a Relay.
type Config struct {
	Apps       []string // app ids, in the order of the health answer
	DefaultApp string   // what a request without app_id means; "" where it has to say

	Callers     []Caller
	NoAuth      bool   // let everybody in: something in front authenticates
	RoutePrefix string // "" or "/segment…"

	Upstream  *upstream.Client
	Tickets   *ticket.Cache
	StoreKind string // for the health answer

	Delivery *delivery.Sinks // nil: there are none, and deliver events fail

	// Stale reports that what the Relay was built from has changed: the request that
	// learns so builds another. It looks from time to time, with now set at once, and may
	// block for a call. nil: it never has.
	Stale func(ctx context.Context, now bool) bool

	Log *slog.Logger
}

// Relay answers requests. It is safe for concurrent use.
type Relay struct {
	Config
	doors []door

	successor func(context.Context, *Relay) *Relay // nil where no Handler has opened it
}

// New returns a Relay.
func New(c Config) *Relay {
	return &Relay{Config: c, doors: doors(c.Callers)}
}

// request is an HTTP request, whichever transport brought it.
type request struct {
	id            string
	method        string
	path          string // as sent, percent-encoded
	query         []param
	authorization []string
	limit         int  // bytes that the response may have
	event         bool // the response travels as JSON text, and limit counts for that
	room          int  // bytes to leave free in front of the upstream's answer
	hold          hold // of the memory for answers
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

// serve answers req and writes its line into the log.
func (r *Relay) serve(ctx context.Context, req *request) *response {
	line := logLine{start: time.Now(), id: req.id}
	return r.guard(&line, func() *response {
		resp := r.answer(ctx, req, &line)
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

// guard calls answer, makes a panic in it an answer too, and writes line.
func (r *Relay) guard(line *logLine, answer func() *response) (resp *response) {
	defer func() {
		if cause := recover(); cause != nil {
			line.detail = panicked(cause)
			resp = line.fail(failInternal)
		}
		line.write(r.Log, resp)
	}()
	return answer()
}

func (r *Relay) answer(ctx context.Context, req *request, line *logLine) *response {
	to := r.route(req.path)
	line.route, line.typ = to.name, to.typ
	if to.name != routeHealth {
		name, ok := r.authenticate(req.authorization)
		if !ok {
			return line.fail(failUnauthenticated)
		}
		line.caller = name
	}
	switch {
	case to.name == routeNone:
		return line.fail(failNoRoute)
	case req.method != "GET":
		return line.fail(failMethod)
	case to.name == routeHealth:
		return r.health()
	}
	q, fail := r.query(to, req)
	line.app, line.order = q.AppID, orderHash(q.OrderNo)
	if fail != nil {
		return line.fail(*fail)
	}
	if !req.hold.admit(q.WithPhotos || to.name == routePhoto) {
		return line.fail(failLimit)
	}
	q.Memory = req.memory()
	if to.name == routePhoto {
		return r.photo(ctx, q, to.photo, req.limit, line)
	}
	q.Room = req.room
	return r.result(ctx, q, req.limit, line)
}
