package upstream

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// network is one in memory, for bubbles of virtual time.
type network struct {
	conns chan net.Conn
	done  chan struct{}
	dials int
	last  net.Conn // the server's end of it
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.done:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error   { return nil }
func (n *network) Addr() net.Addr { return &net.TCPAddr{} }

func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	n.dials++
	here, there := net.Pipe()
	n.last = there
	select {
	case n.conns <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// bubble is a client and a server in virtual time. The server notes each query and its moment.
type bubble struct {
	*network
	client  *Client
	start   time.Time
	mu      sync.Mutex
	queries []url.Values
	moments []time.Duration
}

// inBubble runs body with a server that answers the nth query, from 1, with answer.
func inBubble(t *testing.T, timeout time.Duration, answer func(n int, w http.ResponseWriter, r *http.Request), body func(t *testing.T, b *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{network: &network{conns: make(chan net.Conn), done: make(chan struct{})}, start: time.Now()}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // else a client that leaves is not noticed
			b.mu.Lock()
			b.queries = append(b.queries, r.URL.Query())
			b.moments = append(b.moments, time.Since(b.start))
			n := len(b.queries)
			b.mu.Unlock()
			answer(n, w, r)
		})}
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = server.Serve(b.network)
		}()
		b.client = New(Config{BaseURL: &url.URL{Scheme: "http", Host: "upstream"}, Timeout: timeout, Dial: b.dial})
		body(t, b)
		b.client.Close()
		close(b.done)
		_ = server.Close()
		<-served
	})
}
