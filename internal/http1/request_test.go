package http1

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What is sent is what net/http's Transport sends.
func TestRequestAsTheTransportSendsIt(t *testing.T) {
	s := serve(t, func(_ int, c net.Conn) {
		in := bufio.NewReader(c)
		var raw bytes.Buffer
		r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(in, &raw)))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+raw.String())
	})
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	for name, change := range map[string]func(*http.Request){
		"plain":                func(*http.Request) {},
		"another host":         func(r *http.Request) { r.Host = "other.example" },
		"a query":              func(r *http.Request) { r.URL.RawQuery = "a=1&b=%20" },
		"no path":              func(r *http.Request) { r.URL.Path = "" },
		"a path to be escaped": func(r *http.Request) { r.URL.Path = "/a b/张?三" },
	} {
		for _, body := range []string{"", "body", strings.Repeat("large", 20<<10)} {
			var texts [2]string
			for i, p := range []http.RoundTripper{s.pool(t), transport} {
				r := post(t.Context(), body)
				r.URL.Host = s.address
				r.Host = "kyc.example"
				r.Header = http.Header{"User-Agent": {"test"}, "Accept": {"application/json"}}
				if body == "" {
					r.Method = http.MethodGet
				}
				change(r)
				_, text, err := ask(p, r)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				texts[i] = sorted(text)
			}
			if texts[0] != texts[1] {
				t.Errorf("%s, %d bytes:\n%.300s\nwant\n%.300s", name, len(body), texts[0], texts[1])
			}
		}
	}
}

// sorted has the headers in order, which means nothing.
func sorted(text string) string {
	head, body, _ := strings.Cut(text, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	slices.Sort(lines[1:])
	return strings.Join(lines, "\n") + "\n\n" + body
}

// What would be another request is not sent, in no part of one.
func TestRequestThatCannotBeSent(t *testing.T) {
	s := serve(t, func(int, net.Conn) { t.Error("a connection") })
	for name, change := range map[string]func(*http.Request){
		"two lines in the query":    func(r *http.Request) { r.URL.RawQuery = "a\r\nB: 1" },
		"a space in the query":      func(r *http.Request) { r.URL.RawQuery = "a HTTP/1.1" },
		"two lines in the host":     func(r *http.Request) { r.Host = "a\r\nB: 1" },
		"two lines in the method":   func(r *http.Request) { r.Method = "GET / HTTP/1.1\r\n" },
		"a body of unknown length":  func(r *http.Request) { r.ContentLength = -1 },
		"a body that has no length": func(r *http.Request) { r.ContentLength = 0 },
		"a length without a body":   func(r *http.Request) { r.Body = nil },
	} {
		r := post(t.Context(), "body")
		change(r)
		if _, _, err := ask(s.pool(t), r); !Unsent(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A body of another length than it says would begin the next request, or make that a part of it.
func TestBodyOfAnotherLength(t *testing.T) {
	s := serve(t, func(_ int, c net.Conn) {
		in := bufio.NewReader(c)
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if more, _ := in.Peek(1); len(more) > 0 {
			t.Error("more was sent than the length says")
		}
	})
	for _, size := range []int{10, inline + 10} {
		for _, n := range []int{0, size - 1, size + 1, 3 * size} {
			r := post(t.Context(), "body")
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("x", n))), int64(size)
			if _, _, err := ask(s.pool(t), r); !errors.Is(err, errBody) {
				t.Errorf("%d bytes in place of %d: %v", n, size, err)
			}
		}
	}
}

// A server may answer before it has read the request, and read no more of it.
func TestEarlyAnswer(t *testing.T) {
	release := make(chan bool)
	defer close(release)
	s := serve(t, func(_ int, c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.WriteString(c, ok("too large"))
			<-release
		}
	})
	p := s.pool(t)
	for range 2 {
		mustAsk(t, p, post(t.Context(), strings.Repeat("x", 8<<20)), "too large")
	}
	if got := s.dials.Load(); got != 2 {
		t.Errorf("%d dials", got)
	}
}

// A large body does not cost its connection, however late this side learns that all of it was sent.
func TestLargeBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Pool{Timeout: 5 * time.Second, MaxIdle: 4, IdleTimeout: time.Minute, MaxHeader: 1 << 10}
		p.Dial = inMemory(func(c net.Conn) {
			each(func(n int, r *http.Request) string { return ok(fmt.Sprint(n, r.ContentLength)) })(0, c)
		})
		for n := 1; n <= 5; n++ {
			mustAsk(t, p, post(t.Context(), strings.Repeat("x", 4<<20)), fmt.Sprint(n, 4<<20))
		}
		p.CloseIdleConnections()
	})
}

// Interim answers come before the one that counts.
func TestInterimAnswers(t *testing.T) {
	for _, c := range []struct {
		before string
		good   bool
	}{
		{"HTTP/1.1 100 Continue\r\n\r\n", true},
		{strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", mostInterim), true},
		{strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", mostInterim+1), false},
		{"HTTP/1.1 103 Early Hints\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", false},
	} {
		s := serve(t, each(func(int, *http.Request) string { return c.before + ok("1") }))
		_, body, err := ask(s.pool(t), get(t.Context(), ""))
		if (err == nil && body == "1") != c.good {
			t.Errorf("%.40q: %q, %v", c.before, body, err)
		}
	}
}

// What fails before the request is sent says so.
func TestUnsent(t *testing.T) {
	s := serve(t, func(int, net.Conn) {}) // no TLS
	for name, change := range map[string]func(*Pool){
		"refused": func(p *Pool) {
			p.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") }
		},
		"no TLS": func(p *Pool) { p.TLS = &tls.Config{ServerName: "kyc.example", MinVersion: tls.VersionTLS12} },
	} {
		p := s.pool(t)
		change(p)
		if _, _, err := ask(p, post(t.Context(), "body")); !Unsent(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := ask(s.pool(t), get(t.Context(), "")); err == nil || Unsent(err) {
		t.Errorf("closed without an answer: %v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	for _, answer := range []string{
		ok("body"), "HTTP/1.1 200 OK\r\n\r\nto the end", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nTrailer: x\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n" + ok("a"), "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/2 200\r\n\r\n", "",
		"HTTP/1.1 200 OK\r\n folded: x\r\n\r\n", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		f.Add([]byte(answer))
	}
	// As net/http's Transport understands it, whatever is answered.
	f.Fuzz(func(t *testing.T, answer []byte) {
		if len(answer) > 4<<10 || bytes.HasPrefix(answer, []byte("HTTP/1.1 101")) || bytes.HasPrefix(answer, []byte("HTTP/1.0 101")) {
			return
		}
		dial := inMemory(func(c net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = c.Write(answer)
			}
		})
		p := &Pool{Dial: dial, Timeout: 5 * time.Second, MaxIdle: 4, IdleTimeout: time.Minute, MaxHeader: 64 << 10}
		transport := &http.Transport{DialContext: dial, DisableCompression: true, MaxResponseHeaderBytes: 64 << 10}
		defer p.CloseIdleConnections()
		defer transport.CloseIdleConnections()
		request := func() *http.Request {
			r := get(t.Context(), "")
			r.URL = &url.URL{Scheme: "http", Host: "kyc.example", Path: "/"}
			return r
		}
		status, body, err := ask(p, request())
		wantStatus, wantBody, wantErr := ask(transport, request())
		if status != wantStatus || body != wantBody || (err == nil) != (wantErr == nil) {
			t.Errorf("%q\n%d, %q, %v, want\n%d, %q, %v", answer, status, body, err, wantStatus, wantBody, wantErr)
		}
	})
}
