// Package http1 makes the round trips of HTTP/1.1 to one server. Each runs on the goroutine of its caller.
// net/http's Transport hands a request to a goroutine that writes and the answer to one that reads, which
// costs more than the rest of a small answer. What is read is parsed by net/http here as there.
package http1

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Pool makes round trips and keeps connections for the next ones. It speaks HTTP/1.1 alone, uses no proxy,
// follows no redirect, decompresses nothing, and never repeats a request of which the server may have
// seen a byte. It is safe for concurrent use once its fields are set.
type Pool struct {
	Address string      // required: host and port
	TLS     *tls.Config // nil: none

	Dial func(ctx context.Context, network, address string) (net.Conn, error) // required

	Timeout     time.Duration // required: of a round trip, from its beginning to the end of the answer
	MaxIdle     int           // connections that are kept
	IdleTimeout time.Duration // for which one is kept, by the wall clock: a frozen instance has no other
	MaxHeader   int64         // bytes of an answer's status line and header, about

	mu       sync.Mutex
	idle     []*conn // the one that was used last stands last
	sweeping bool    // sweep is to come
}

// unsent is an error of a request of which no byte was sent.
type unsent struct{ error }

func (e unsent) Unwrap() error { return e.error }

// Unsent reports whether err, of RoundTrip, came before the server could have seen the request.
func Unsent(err error) bool {
	var e unsent
	return errors.As(err, &e)
}

// RoundTrip implements http.RoundTripper: it sends r and returns once the header of the answer is there. The
// length of r's body has to be known. The answer's body is to be closed; reading it ends with r's context and
// the time-out, too. Errors are of the network, crypto/tls and net/http; see Unsent.
func (p *Pool) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := p.roundTrip(r)
	if err != nil && r.Body != nil {
		_ = r.Body.Close()
	}
	return response, err
}

func (p *Pool) roundTrip(r *http.Request) (*http.Response, error) {
	if err := check(r); err != nil {
		return nil, unsent{err}
	}
	deadline := time.Now().Add(p.Timeout)
	for c := p.get(); c != nil; c = p.get() {
		response, err := c.roundTrip(r, deadline)
		if err == nil || !Unsent(err) || r.Context().Err() != nil {
			return response, err
		}
		// The connection was dead: another one takes the request.
		if r = again(r); r == nil {
			return nil, err
		}
	}
	c, err := p.connect(r.Context(), deadline)
	if err != nil {
		return nil, unsent{err}
	}
	return c.roundTrip(r, deadline)
}

// again returns r with its body from the beginning, nil where that cannot be had.
func again(r *http.Request) *http.Request {
	if r.ContentLength == 0 {
		return r
	}
	if r.GetBody == nil {
		return nil
	}
	body, err := r.GetBody()
	if err != nil {
		return nil
	}
	r = r.WithContext(r.Context()) // a copy
	r.Body = body
	return r
}

// connect opens a connection.
func (p *Pool) connect(ctx context.Context, deadline time.Time) (*conn, error) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	network, err := p.Dial(ctx, "tcp", p.Address)
	if err != nil {
		return nil, err
	}
	c := &conn{pool: p, network: network, stream: network}
	if p.TLS != nil {
		secure := tls.Client(network, p.TLS)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = network.Close()
			return nil, err
		}
		c.stream = secure
	}
	c.in, c.out = bufio.NewReader(c), bufio.NewWriter(writer{c})
	c.silent = silence(network)
	return c, nil
}

// get returns the connection that was used last, nil if none is left that can be used.
func (p *Pool) get() *conn {
	for {
		c := p.pop()
		if c == nil || time.Now().UnixNano()-c.since <= int64(p.IdleTimeout) && c.isQuiet() {
			return c
		}
		c.close()
	}
}

// pop takes the connection that was used last out of the pool.
func (p *Pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return c
}

// put keeps a connection for the next round trip.
func (p *Pool) put(c *conn) {
	c.since = time.Now().UnixNano()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) >= p.MaxIdle {
		c.abort()
		return
	}
	p.idle = append(p.idle, c)
	if !p.sweeping {
		p.sweeping = true
		time.AfterFunc(p.IdleTimeout, p.sweep)
	}
}

// sweep closes what has been idle for too long, and comes again while anything is.
func (p *Pool) sweep() {
	for _, c := range p.old(time.Now().UnixNano()) {
		c.close()
	}
}

// old takes what has been idle for too long out of the pool.
func (p *Pool) old(now int64) (old []*conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for n < len(p.idle) && now-p.idle[n].since >= int64(p.IdleTimeout) {
		n++
	}
	old = slices.Clone(p.idle[:n])
	p.idle = slices.Delete(p.idle, 0, n)
	if p.sweeping = len(p.idle) > 0; p.sweeping {
		time.AfterFunc(p.IdleTimeout-time.Duration(now-p.idle[0].since), p.sweep)
	}
	return old
}

// CloseIdleConnections closes the connections that no round trip uses.
func (p *Pool) CloseIdleConnections() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, c := range idle {
		c.close()
	}
}
