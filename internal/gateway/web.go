package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
	"time"
)

// maxConcurrency is the most requests that the platform gives an instance of a Web function at a
// time; the proxy keeps as many connections.
const maxConcurrency = 100

// The role credentials that the platform adds to every request of a Web function. These are fake: a
// test may look for them where they must not appear.
const (
	FakeSecretID     = "FAKE-ROLE-SECRET-ID"
	FakeSecretKey    = "FAKE-ROLE-SECRET-KEY"
	FakeSessionToken = "FAKE-ROLE-SESSION-TOKEN" // #nosec G101 -- made up, to be looked for where none may be
)

// Web is a running Web function. Its methods may be called concurrently.
type Web struct {
	proc      *process
	timeLimit time.Duration
	target    *url.URL
	transport *http.Transport
	close     func()
}

// StartWeb starts a Web function and returns once it accepts connections. ctx bounds the start only;
// Close ends the function.
func StartWeb(ctx context.Context, c Config) (*Web, error) {
	c, err := c.check()
	if err != nil {
		return nil, err
	}
	proc, err := spawn(ctx, c, "PORT", true, accepts)
	if err != nil {
		return nil, err
	}
	w := &Web{
		proc:      proc,
		timeLimit: c.TimeLimit,
		target:    &url.URL{Scheme: "http", Host: proc.addr},
		transport: &http.Transport{
			MaxIdleConnsPerHost: maxConcurrency,
			DisableCompression:  true, // pass on what the function and the client agree on
		},
	}
	w.close = sync.OnceFunc(func() {
		proc.kill()
		w.transport.CloseIdleConnections()
	})
	return w, nil
}

// accepts looks whether the function listens.
func accepts(ctx context.Context, addr string) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

// ServeHTTP passes the request to the function with the headers that the platform adds. A response
// whose length is not announced is cut off at MaxPayload.
func (w *Web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	id := newRequestID()
	if w.proc.gone() { // its port may be somebody else's by now
		refuse(rw, id, w.proc.exitError())
		return
	}
	if r.ContentLength > MaxPayload {
		refuse(rw, id, fmt.Errorf("request: %w", ErrTooLarge))
		return
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), w.timeLimit, ErrTimeLimit)
	defer cancel()
	r = r.WithContext(ctx)
	r.Body = http.MaxBytesReader(rw, r.Body, MaxPayload)

	proxy := httputil.ReverseProxy{
		Transport:     w.transport,
		FlushInterval: -1, // a Web function may stream
		ErrorLog:      log.New(io.Discard, "", 0),
		Rewrite:       func(p *httputil.ProxyRequest) { w.rewrite(p, id) },
		ModifyResponse: func(answer *http.Response) error {
			if answer.ContentLength > MaxPayload && r.Method != http.MethodHead {
				return fmt.Errorf("response: %w", ErrTooLarge)
			}
			if answer.StatusCode != http.StatusSwitchingProtocols {
				answer.Body = http.MaxBytesReader(nil, answer.Body, MaxPayload)
			}
			answer.Header.Set(requestIDHeader, id)
			return nil
		},
		ErrorHandler: func(rw http.ResponseWriter, _ *http.Request, err error) {
			switch {
			case errors.Is(context.Cause(ctx), ErrTimeLimit):
				err = ErrTimeLimit
			case w.proc.gone():
				err = w.proc.exitError()
			}
			refuse(rw, id, err)
		},
	}
	proxy.ServeHTTP(rw, r)
}

// rewrite addresses the request to the function and adds the platform's headers.
func (w *Web) rewrite(p *httputil.ProxyRequest, id string) {
	p.SetURL(w.target)
	p.Out.Host = p.In.Host
	p.Out.URL.RawQuery = p.In.URL.RawQuery // the proxy would drop what it cannot parse
	source, _, err := net.SplitHostPort(p.In.RemoteAddr)
	if err != nil {
		source = p.In.RemoteAddr
	}
	h := p.Out.Header
	h.Set(requestIDHeader, id)
	h.Set("X-Scf-Remote-Addr", source)
	h.Set("X-Scf-Secret-Id", FakeSecretID)
	h.Set("X-Scf-Secret-Key", FakeSecretKey)
	h.Set("X-Scf-Session-Token", FakeSessionToken)
}

// Process returns the function's process. Do not wait for it: the Web does.
func (w *Web) Process() *os.Process { return w.proc.cmd.Process }

// Addr returns where the function listens, for whoever goes round the platform.
func (w *Web) Addr() string { return w.proc.addr }

// Started returns how long the process took from exec to the first accepted connection.
func (w *Web) Started() time.Duration { return w.proc.took }

// Close kills the process and reaps it. Requests that run fail. It always returns nil, and may be
// called again.
func (w *Web) Close() error {
	w.close()
	return nil
}
