package http1

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server hands each connection to serve, with its number from 1, and closes it afterwards.
type server struct {
	address string
	dials   atomic.Int32
}

func serve(t testing.TB, handle func(n int, c net.Conn)) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{address: listener.Addr().String()}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			n := int(s.dials.Add(1))
			conns.Go(func() {
				defer c.Close()
				handle(n, c)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		conns.Wait()
	})
	return s
}

// pool returns a pool of connections to the server. It is closed before the server is.
func (s *server) pool(t testing.TB) *Pool {
	p := &Pool{
		Address: s.address, Dial: new(net.Dialer).DialContext,
		Timeout: 5 * time.Second, MaxIdle: 4, IdleTimeout: time.Minute, MaxHeader: 64 << 10,
	}
	t.Cleanup(p.CloseIdleConnections)
	return p
}

// inMemory dials a connection without a kernel, which has no buffer. Its other end is served, and closed
// then.
func inMemory(serve func(net.Conn)) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			serve(far)
		}()
		return near, nil
	}
}

// each reads requests and answers the nth of a connection, from 1, with what answer returns; "" ends it.
func each(answer func(n int, r *http.Request) string) func(int, net.Conn) {
	return func(_ int, c net.Conn) {
		in := bufio.NewReader(c)
		for n := 1; ; n++ {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			text := answer(n, r)
			if text == "" {
				return
			}
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
	}
}

// ok is an answer with a body.
func ok(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func get(ctx context.Context, query string) *http.Request {
	r := new(http.Request).WithContext(ctx)
	r.Method, r.Header = http.MethodGet, http.Header{}
	r.URL = &url.URL{Scheme: "http", Host: "kyc.example", Path: "/path", RawQuery: query}
	return r
}

func post(ctx context.Context, body string) *http.Request {
	r := get(ctx, "")
	r.Method, r.ContentLength = http.MethodPost, int64(len(body))
	if body == "" {
		return r
	}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader([]byte(body))), nil }
	r.Body, _ = r.GetBody()
	return r
}

// ask makes a round trip and reads the answer.
func ask(p http.RoundTripper, r *http.Request) (status int, body string, err error) {
	response, err := p.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// mustAsk wants an answer.
func mustAsk(t *testing.T, p http.RoundTripper, r *http.Request, want string) {
	t.Helper()
	if _, got, err := ask(p, r); err != nil || got != want {
		t.Fatalf("%q, %v, want %q", got, err, want)
	}
}
