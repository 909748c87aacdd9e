package handler

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kyc-ocr-relay/internal/budget"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/scf"
	"kyc-ocr-relay/internal/secret"
)

// webTimeLimit bounds a request of the Web function, which is not told its time
// limit: a renewal and a query with all their attempts fit.
const webTimeLimit = 30 * time.Second

// ServeHTTP answers a request of the Web function.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(withRole(r), webTimeLimit)
	defer cancel()
	req := &request{
		id:            requestID(r.Header.Get("X-Scf-Request-Id")),
		method:        r.Method,
		path:          r.URL.EscapedPath(),
		authorization: r.Header["Authorization"],
		limit:         scf.ResponseLimit,
		large:         r.ContentLength < 0 || r.ContentLength > smallBody,
		hold:          h.budget.Hold(),
	}
	req.memory = req.hold
	req.source = func() ([]byte, error) { return readBody(r, req.hold) }
	defer req.hold.Release()
	parseQuery(r.URL.RawQuery, req.add)
	resp := h.serve(ctx, req)
	if r.ContentLength != 0 && !req.bodyRead {
		// A body that nobody wants is not waited for. What is in it must never be taken for a request.
		w.Header().Set("Connection", "close")
	}
	if panicked := caught(func() { resp.write(w, req.id) }); panicked != "" {
		h.panicked(req.id, panicked)
		panic(http.ErrAbortHandler) // ends the connection; net/http would log the value of another
	}
	budget.Keep(resp.buffer)
}

// panicked logs a panic that no request's line tells of.
func (h *Handler) panicked(id, detail string) {
	h.log.Error("panic", "request_id", id, "status", failInternal.status, "error", failInternal.code, "detail", detail)
}

// A caller that reads more slowly than this is hung up on: it holds memory meanwhile.
const (
	patience   = 10 * time.Second
	slowReader = 256 << 10 // bytes a second
)

// deadlined is the size from which a response has a deadline of its own: the network
// takes less without a reader.
const deadlined = 64 << 10

func (r *response) write(w http.ResponseWriter, id string) {
	header := w.Header()
	values := make([]string, 0, 8) // one array for all
	set := func(name, value string) {
		values = append(values, value)
		header[http.CanonicalHeaderKey(name)] = values[len(values)-1 : len(values) : len(values)]
	}
	r.headers(id, set)
	size := len(r.body)
	if r.base64 {
		size = base64.StdEncoding.DecodedLen(size) - bytes.Count(r.body[size-2:], []byte("="))
	}
	set("Content-Length", strconv.Itoa(size))
	if size > deadlined {
		limit := patience + time.Duration(size)*time.Second/slowReader
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(limit)) // else the server's own
	}
	w.WriteHeader(r.status)
	if r.base64 {
		_, _ = io.Copy(w, base64.NewDecoder(base64.StdEncoding, bytes.NewReader(r.body)))
		return
	}
	_, _ = w.Write(r.body)
}

// withRole keeps the credentials of the execution role, which the platform sends as
// headers, for the services that the function itself uses. A caller can send such headers,
// too: they count where there is exactly one of each, and else none of them does.
func withRole(r *http.Request) context.Context {
	names := [...]string{"X-Scf-Secret-Id", "X-Scf-Secret-Key", "X-Scf-Session-Token"}
	var of [len(names)]secret.Text
	for i, name := range names {
		values := r.Header[name]
		if len(values) != 1 || values[0] == "" || strings.ContainsAny(values[0], ", ") { // two, put together on the way
			return r.Context()
		}
		of[i] = secret.New(values[0])
	}
	return role.NewContext(r.Context(), role.Credentials{SecretID: of[0], SecretKey: of[1], SessionToken: of[2]})
}

// headers tells set the headers of every response, in a fixed order.
func (r *response) headers(id string, set func(name, value string)) {
	set("Content-Type", r.contentType)
	set("Cache-Control", "no-store")
	set("X-Content-Type-Options", "nosniff")
	set("X-Request-Id", id)
	if r.allow != "" {
		set("Allow", r.allow)
	}
	if r.retryAfter != 0 {
		set("Retry-After", strconv.Itoa(r.retryAfter))
	}
	if r.challenge {
		set("WWW-Authenticate", `Bearer realm="kyc-ocr-relay"`)
	}
}
