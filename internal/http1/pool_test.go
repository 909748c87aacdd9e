package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestConnectionIsKept(t *testing.T) {
	s := serve(t, each(func(n int, _ *http.Request) string { return ok(fmt.Sprint(n)) }))
	p := s.pool(t)
	for n := 1; n <= 3; n++ {
		mustAsk(t, p, get(t.Context(), ""), fmt.Sprint(n))
	}
	p.CloseIdleConnections()
	mustAsk(t, p, get(t.Context(), ""), "1")
	if got := s.dials.Load(); got != 2 {
		t.Errorf("%d dials", got)
	}
}

// A connection is kept where nothing can be left on it, and the server does not say otherwise.
func TestConnectionIsNotKept(t *testing.T) {
	for name, answer := range map[string]string{
		"told so":                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1",
		"HTTP/1.0":                   "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n1",
		"more than the answer":       ok("1") + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong",
		"more, of no body":           "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong",
		"of another protocol":        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n1",
		"the length is given twice":  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n1",
		"a length, and chunks":       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
		"chunks, and more":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\nmore",
		"a byte in front of nothing": ok("") + "x",
	} {
		s := serve(t, each(func(int, *http.Request) string { return answer }))
		p := s.pool(t)
		for range 2 {
			if _, got, _ := ask(p, get(t.Context(), "")); got != "" && got != "1" {
				t.Errorf("%s: %q", name, got)
			}
		}
		if got := s.dials.Load(); got != 2 {
			t.Errorf("%s: %d dials", name, got)
		}
	}
}

// What a server sends when nobody has asked is no answer to the next request.
func TestAnswerThatNobodyAskedFor(t *testing.T) {
	sent := make(chan bool)
	s := serve(t, func(n int, c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		_, _ = io.WriteString(c, ok("mine"))
		if n == 1 {
			<-sent
			_, _ = io.WriteString(c, ok("another's"))
			sent <- true
			_, _ = c.Read(make([]byte, 1))
		}
	})
	p := s.pool(t)
	mustAsk(t, p, get(t.Context(), ""), "mine")
	sent <- true
	<-sent
	mustAsk(t, p, get(t.Context(), ""), "mine")
}

// A connection that the server has closed is not tried, so that a request that must not be sent twice
// is sent.
func TestDeadConnectionIsNotTried(t *testing.T) {
	closed := make(chan bool, 9)
	s := serve(t, func(_ int, c net.Conn) {
		if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(c, ok("1"))
		}
		_ = c.Close()
		closed <- true
	})
	p := s.pool(t)
	for range 4 {
		r := post(t.Context(), "body")
		r.GetBody = nil
		mustAsk(t, p, r, "1")
		<-closed
	}
}

// Where it cannot be seen that a connection is dead, the request goes over another one: none of it was
// sent.
func TestNothingWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int32
		p := &Pool{Timeout: time.Second, MaxIdle: 4, IdleTimeout: time.Minute, MaxHeader: 1 << 10}
		dial := inMemory(func(c net.Conn) {
			dials.Add(1)
			if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				body, _ := io.ReadAll(r.Body)
				_, _ = io.WriteString(c, ok(string(body)))
			}
		})
		p.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial(ctx, network, address)
			return &opaque{Conn: c}, err
		}
		for n := 1; n <= 3; n++ {
			mustAsk(t, p, post(t.Context(), "body"), "body")
			if synctest.Wait(); int(dials.Load()) != n {
				t.Errorf("%d dials, want %d", dials.Load(), n)
			}
		}
		r := post(t.Context(), "body")
		r.GetBody = nil
		if _, _, err := ask(p, r); !Unsent(err) {
			t.Errorf("a body that cannot be had again: %v", err)
		}
		p.CloseIdleConnections()
	})
}

// opaque is a connection whose end is not seen by looking.
type opaque struct {
	net.Conn
	looks bool
}

func (c *opaque) SetReadDeadline(t time.Time) error {
	c.looks = t.Before(time.Now())
	return c.Conn.SetReadDeadline(t)
}

func (c *opaque) SetDeadline(t time.Time) error {
	c.looks = false
	return c.Conn.SetDeadline(t)
}

func (c *opaque) Read(b []byte) (int, error) {
	if c.looks {
		return 0, os.ErrDeadlineExceeded
	}
	return c.Conn.Read(b)
}

// Idle connections end, by their timer or, where that did not run, when the next one asks.
func TestIdleConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials, open atomic.Int32
		p := &Pool{Timeout: time.Hour, MaxIdle: 2, IdleTimeout: time.Minute, MaxHeader: 1 << 10}
		p.Dial = inMemory(func(c net.Conn) {
			dials.Add(1)
			open.Add(1)
			defer open.Add(-1)
			each(func(_ int, r *http.Request) string {
				wait, _ := time.ParseDuration(r.URL.RawQuery)
				time.Sleep(wait)
				return ok("1")
			})(0, c)
		})
		expect := func(wantDials, wantOpen int32) {
			t.Helper()
			if synctest.Wait(); dials.Load() != wantDials || open.Load() != wantOpen {
				t.Errorf("%d dials, %d open, want %d and %d", dials.Load(), open.Load(), wantDials, wantOpen)
			}
		}
		var all sync.WaitGroup
		for _, wait := range []string{"0s", "10s", "20s"} {
			all.Go(func() { mustAsk(t, p, get(t.Context(), wait), "1") })
			synctest.Wait()
			time.Sleep(time.Millisecond)
		}
		all.Wait()
		expect(2, 2) // the third took the first one's
		time.Sleep(51 * time.Second)
		expect(2, 1)
		time.Sleep(10 * time.Second)
		expect(2, 0)

		for range 3 {
			all.Go(func() { mustAsk(t, p, get(t.Context(), "1s"), "1") })
		}
		all.Wait()
		expect(5, 2) // one too many is not kept
		for _, c := range p.idle {
			c.since -= int64(2 * time.Minute) // as of an instance that was frozen meanwhile
		}
		mustAsk(t, p, get(t.Context(), ""), "1")
		expect(6, 1)
		p.CloseIdleConnections()
		expect(6, 0)
	})
}

// Whatever ends early, each answer is that of its request.
func TestAnswersAreNotMixedUp(t *testing.T) {
	s := serve(t, func(_ int, c net.Conn) {
		for in := bufio.NewReader(c); ; {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			answer := ok(r.URL.RawQuery + strings.Repeat(" ", 8<<10))
			fault := rand.N(16)
			switch fault {
			case 0:
				answer = answer[:rand.N(len(answer))]
			case 1:
				answer += "x"
			}
			if _, err := io.WriteString(c, answer); err != nil || fault == 0 {
				return
			}
		}
	})
	p := s.pool(t)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for n := range 300 {
				ctx, cancel := context.WithCancel(t.Context())
				want := fmt.Sprintf("%d-%d", worker, n)
				if rand.N(4) == 0 {
					go cancel()
				}
				response, err := p.RoundTrip(get(ctx, want))
				if err == nil {
					if rand.N(8) > 0 {
						got, err := io.ReadAll(response.Body)
						if strings.TrimSpace(string(got)) != want && err == nil {
							t.Errorf("%.20q, %v, want %q", got, err, want)
						}
					}
					_ = response.Body.Close()
				}
				cancel()
			}
		})
	}
	all.Wait()
}

// A request ends with its context, and with the time-out, wherever it is.
func TestRequestEnds(t *testing.T) {
	for name, handle := range map[string]func(net.Conn){
		"before the header":  func(c net.Conn) { _, _ = http.ReadRequest(bufio.NewReader(c)) },
		"within the header":  func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n") },
		"within the body":    func(c net.Conn) { _, _ = io.WriteString(c, ok("12345")[:40]) },
		"before the request": func(net.Conn) {},
		"after answers that are none": func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &Pool{Timeout: 5 * time.Second, MaxIdle: 4, IdleTimeout: time.Minute, MaxHeader: 1 << 10}
				p.Dial = inMemory(func(c net.Conn) {
					handle(c)
					_, _ = io.Copy(io.Discard, c)
				})
				start := time.Now()
				if _, _, err := ask(p, get(t.Context(), "")); !isTimeout(err) || time.Since(start) != 5*time.Second {
					t.Errorf("%v after %v", err, time.Since(start))
				}
				for _, body := range []string{"", "small", strings.Repeat("large", 64<<10)} {
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					start = time.Now()
					if _, _, err := ask(p, post(ctx, body)); err == nil || time.Since(start) != time.Second {
						t.Errorf("%v after %v", err, time.Since(start))
					}
					cancel()
				}
				if len(p.idle) > 0 {
					t.Error("the connection is kept")
				}
			})
		})
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
