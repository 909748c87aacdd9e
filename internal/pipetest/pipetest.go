// Package pipetest has what tests of a whole path share: a network in memory, which works in
// bubbles of virtual time, and a log to look at.
package pipetest

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Network is a network without a kernel, with one listener: itself. Its connections have no
// buffer.
type Network struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	dials atomic.Int64
}

// New returns a Network that has no connection yet.
func New() *Network { return &Network{conns: make(chan net.Conn), done: make(chan struct{})} }

// Accept implements net.Listener.
func (n *Network) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. Connections stay.
func (n *Network) Close() error {
	n.once.Do(func() { close(n.done) })
	return nil
}

// Addr implements net.Listener.
func (n *Network) Addr() net.Addr { return &net.TCPAddr{} }

// Dial connects to the listener, whatever the address. It blocks until that accepts.
func (n *Network) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	n.dials.Add(1)
	near, far := net.Pipe()
	select {
	case n.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Dials returns how often Dial was called.
func (n *Network) Dials() int { return int(n.dials.Load()) }

// Log collects lines of JSON. It is safe for concurrent use.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// Logger returns a logger of level info that writes to l.
func (l *Log) Logger() *slog.Logger { return slog.New(slog.NewJSONHandler(l, nil)) }

// String returns the lines so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Take returns the lines so far, and forgets them.
func (l *Log) Take(t testing.TB) (lines []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		fields := map[string]any{}
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("not JSON: %s", line)
		}
		lines = append(lines, fields)
	}
	l.text.Reset()
	return lines
}
