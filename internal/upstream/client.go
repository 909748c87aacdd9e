// Package upstream speaks the server API of Tencent Cloud 人脸核身 (document 1007):
// one table of calls, one way to make them, codes to classes. Which ticket to use, and what
// to do when it is rejected, is decided elsewhere.
package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"kyc-ocr-relay/internal/http1"
	"kyc-ocr-relay/internal/jsonscan"
	"kyc-ocr-relay/internal/pause"
	"kyc-ocr-relay/internal/roots"
)

const (
	maxAttempts = 3

	// retryBase is the pause before the second attempt; the next one waits three
	// times as long. Both vary by a half, so that instances do not march in step.
	retryBase = 100 * time.Millisecond

	// maxIdle is how long a pooled connection is trusted. Load balancers drop
	// idle ones after a minute or more, and a frozen instance does not see it.
	maxIdle = 30 * time.Second
)

// Config configures a Client.
type Config struct {
	BaseURL *url.URL      // required: scheme and host, perhaps a path
	Timeout time.Duration // required: for one attempt of one call

	// Dial replaces the network in tests; nil means TCP. Transport replaces HTTP as
	// well, for tests that make calls by the hundred thousand.
	Dial      func(ctx context.Context, network, address string) (net.Conn, error)
	Transport http.RoundTripper
}

// Client calls the upstream. It keeps connections alive between calls and is
// safe for concurrent use.
type Client struct {
	base *url.URL
	// transport is used without an http.Client: it follows no redirect, and its errors
	// do not quote the URL.
	transport http.RoundTripper
	pool      *http1.Pool
	header    http.Header // of every GET; nobody changes it
	posted    http.Header // of every POST, likewise
}

// New returns a Client.
func New(c Config) *Client {
	if c.Dial == nil {
		c.Dial = (&net.Dialer{Timeout: c.Timeout, KeepAlive: maxIdle / 2}).DialContext
	}
	pool := &http1.Pool{
		Address:     address(c.BaseURL),
		Dial:        c.Dial,
		Timeout:     c.Timeout,
		MaxIdle:     100, // as many as a Web function serves at once
		IdleTimeout: maxIdle,
		MaxHeader:   64 << 10,
	}
	if c.BaseURL.Scheme == "https" {
		pool.TLS = roots.Config(c.BaseURL.Hostname())
	}
	if c.Transport == nil {
		c.Transport = pool
	} else {
		c.Transport = bounded{c.Transport, c.Timeout}
	}
	return &Client{
		base:      c.BaseURL,
		transport: c.Transport,
		pool:      pool,
		header:    http.Header{"User-Agent": {"kyc-ocr-relay"}, "Accept": {"application/json"}},
		posted:    http.Header{"User-Agent": {"kyc-ocr-relay"}, "Accept": {"application/json"}, "Content-Type": {"application/json"}},
	}
}

// Close closes idle connections.
func (c *Client) Close() { c.pool.CloseIdleConnections() }

// round is one call with its values, over all attempts.
type round struct {
	row
	path   string
	params *Params       // of a signed call; each attempt makes the query string and the body anew: a nonce is used once
	query  func() string // of the URL of a call for a credential
	limit  int           // bytes of the answer
	room   int           // bytes to leave free in front of it

	memory Memory // for the answer; nil: the heap
	taken  int    // bytes of memory, in this attempt
}

// do makes the call, again at most twice where that may help and does no harm, within
// ctx.
func (c *Client) do(ctx context.Context, k *round) (*Answer, error) {
	start := time.Now()
	for attempt := 1; ; attempt++ {
		answer, err := c.attempt(ctx, k)
		again := err != nil && err.again || err == nil && answer.Class == Transient
		if k.once {
			again = again && err != nil && err.unsent
		}
		if again && attempt < maxAttempts && pause.For(ctx, between(attempt)) {
			if err != nil {
				c.pool.CloseIdleConnections() // where one was dead, the others may be
			}
			continue
		}
		if err != nil {
			err.Step, err.Attempts, err.Elapsed = k.step, attempt, time.Since(start)
			err.lost = k.once && !err.unsent
			if err.Reason == TooLarge && k.row.limit > 0 {
				err.Reason = BadResponse // not an answer of the kind that has photos to ask for one by one
			}
			return nil, err
		}
		answer.Attempts, answer.Elapsed = attempt, time.Since(start)
		return answer, nil
	}
}

// between is the pause after an attempt.
func between(attempt int) time.Duration {
	wait := retryBase
	for range attempt - 1 {
		wait *= 3
	}
	return wait/2 + rand.N(wait) // #nosec G404 -- keeps instances out of step, and no secret
}

// attempt is the one round trip through which every call goes.
func (c *Client) attempt(ctx context.Context, k *round) (*Answer, *Error) {
	k.give(k.taken) // by the attempt before

	u := *c.base
	u.Path += k.path
	u.RawQuery = k.rawQuery()
	request := blank.WithContext(ctx)
	request.Method, request.URL, request.Header = http.MethodGet, &u, c.header
	if k.post {
		request.Method, request.Header = http.MethodPost, c.posted
		k.carry(request)
	}
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		e := transportError(ctx, err)
		e.unsent = http1.Unsent(err)
		return nil, e
	}
	defer response.Body.Close()

	buffer, err := k.read(response)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, &Error{Reason: TooLarge, Detail: "the answer is too large"}
	case errors.Is(err, errCrowded):
		return nil, &Error{Reason: Crowded, Detail: "no memory left for the answer"}
	case err != nil:
		e := transportError(ctx, err)
		if e.Reason == Unreachable {
			e.Reason, e.Detail, e.again = BadResponse, "the answer broke off", true
		}
		return nil, e
	}
	return parse(response.StatusCode, buffer, k.room)
}

// blank is what every request begins as: WithContext copies.
var blank http.Request

// carry gives a POST its body. The transport may take it a second time, and does where a
// pooled connection turned out to be dead before anything was written to it.
func (k *round) carry(request *http.Request) {
	pieces, size := k.params.Body.sign(k.signs, k.params)
	open := func() (io.ReadCloser, error) {
		copied := slices.Clone(pieces) // reading uses it up
		return io.NopCloser(&copied), nil
	}
	request.ContentLength = int64(size)
	request.Body, _ = open()
	request.GetBody = open
}

// bounded is a transport of tests, whose answers are in memory, with a time-out for a round trip.
type bounded struct {
	http.RoundTripper
	timeout time.Duration
}

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), b.timeout)
	defer cancel()
	return b.RoundTripper.RoundTrip(r.WithContext(ctx))
}

// address is the host and port of a URL.
func address(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// parse takes an answer for what it is. The Content-Type is not asked: error pages
// come with any.
func parse(status int, buffer []byte, room int) (*Answer, *Error) {
	body := buffer[room:]
	value, marks, ok := jsonscan.Check(body, "code", room > 0)
	code := jsonscan.Scalar(value)
	switch {
	case ok && code != "" && (status < 300 || status >= 400):
		return &Answer{Code: printable(code), Class: classify(code, status), Body: body, Buffer: buffer, Marks: marks}, nil
	case status >= 300 && status < 400:
		return nil, &Error{Reason: BadResponse, Detail: "a redirect, which is not followed"}
	case ok:
		return nil, &Error{Reason: BadResponse, Detail: "JSON without a code", again: status >= 500}
	case len(bytes.TrimSpace(body)) == 0:
		return nil, &Error{Reason: BadResponse, Detail: "an empty answer", again: true}
	default:
		// A cut answer, or an error page of something on the way.
		return nil, &Error{Reason: BadResponse, Detail: "an answer that is not JSON", again: status < 400 || status >= 500}
	}
}
