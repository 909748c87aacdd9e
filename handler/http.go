package handler

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
)

// PlatformLimit is the size of a synchronous response: 6 MB (SCF quotas, document
// 583). Read as binary megabytes.
const PlatformLimit = 6 << 20

// webTimeLimit bounds a request of the Web function, which is not told its time
// limit: a renewal and a query with all their attempts fit.
const webTimeLimit = 30 * time.Second

// ServeHTTP answers a request of the Web function.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(withRole(r), webTimeLimit)
	defer cancel()
	id := requestID(r.Header.Get("X-Scf-Request-Id"))
	memory := spare()
	resp := h.serve(ctx, &request{
		id:            id,
		method:        r.Method,
		path:          r.URL.EscapedPath(),
		query:         parseQuery(r.URL.RawQuery),
		authorization: r.Header["Authorization"],
		limit:         PlatformLimit,
		reuse:         memory,
	})
	defer func() { keep(resp.buffer) }()
	header := w.Header()
	resp.headers(id, header.Set)
	if !resp.base64 {
		header.Set("Content-Length", strconv.Itoa(len(resp.body)))
		w.WriteHeader(resp.status)
		w.Write(resp.body)
		return
	}
	size := base64.StdEncoding.DecodedLen(len(resp.body)) - bytes.Count(resp.body[len(resp.body)-2:], []byte("="))
	header.Set("Content-Length", strconv.Itoa(size))
	w.WriteHeader(resp.status)
	io.Copy(w, base64.NewDecoder(base64.StdEncoding, bytes.NewReader(resp.body)))
}

// answers has buffers of answers that were written. An event function has none: what it
// returned is still being sent when the next event comes.
var answers sync.Pool

// maxSpare is the largest buffer that is kept for reuse.
const maxSpare = 2 << 20

func spare() []byte {
	if b, ok := answers.Get().(*[]byte); ok {
		return *b
	}
	return nil
}

func keep(b []byte) {
	if cap(b) >= 1<<10 && cap(b) <= maxSpare {
		answers.Put(&b)
	}
}

// withRole keeps the credentials of the execution role, which the platform sends as
// headers, for the services that the function itself uses.
func withRole(r *http.Request) context.Context {
	id := r.Header.Get("X-Scf-Secret-Id")
	if id == "" {
		return r.Context()
	}
	return role.NewContext(r.Context(), role.Credentials{
		SecretID:     secret.New(id),
		SecretKey:    secret.New(r.Header.Get("X-Scf-Secret-Key")),
		SessionToken: secret.New(r.Header.Get("X-Scf-Session-Token")),
	})
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
