package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// raw sends bytes as they are in place of an HTTP answer, and closes the connection.
func raw(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, answer)
		_ = conn.Close()
	}
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://canary.invalid/?canary")
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// TestUnusableAnswers holds every kind of failure to its reason, its attempts, and a text that quotes
// neither the URL nor the answer.
func TestUnusableAnswers(t *testing.T) {
	const page = "<html>canary</html>"
	for _, c := range []struct {
		name     string
		answer   http.HandlerFunc
		reason   Reason
		attempts int
	}{
		{"empty", text(""), BadResponse, 3},
		{"white space", text(" \r\n"), BadResponse, 3},
		{"a page", text(page), BadResponse, 3},
		{"cut JSON", text(`{"code":"0","msg":"canary`), BadResponse, 3},
		{"JSON that is no object", text(`["canary"]`), BadResponse, 3},
		{"JSON without a code", text(`{"msg":"canary"}`), BadResponse, 1},
		{"a code of another type", text(`{"code":{"canary":1}}`), BadResponse, 1},
		{"an error page", status(500, page), BadResponse, 3},
		{"an error without a body", status(502, ""), BadResponse, 3},
		{"an error as JSON without a code", status(503, `{"canary":1}`), BadResponse, 3},
		{"a refusal as a page", status(403, page), BadResponse, 1},
		{"no such page", status(404, page), BadResponse, 1},
		{"moved", status(301, page), BadResponse, 1},
		{"found", status(302, `{"code":"0"}`), BadResponse, 1},
		{"to be asked in the same way", status(307, ""), BadResponse, 1},
		{"not modified", status(304, ""), BadResponse, 1},
		{"closed without an answer", raw(""), Unreachable, 3},
		{"not HTTP", raw("canary\r\n\r\n"), Unreachable, 3},
		{"cut in the headers", raw("HTTP/1.1 200 OK\r\nX-Canary: canary"), Unreachable, 3},
		{"shorter than promised", raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"code\":\"0\"}"), BadResponse, 3},
		{"a chunk too few", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n{\"code\":\"0\"}\r\n"), BadResponse, 3},
		{"headers without end", raw("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("canary", 20_000) + "\r\n\r\n"), Unreachable, 3},
		{"larger than the limit", text(`{"code":"0","canary":"` + strings.Repeat("x", 1<<20) + `"}`), TooLarge, 1},
		{"larger, without saying so", raw("HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 1<<20+1)), TooLarge, 1},
		{"larger, as it says", raw("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{"), TooLarge, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			client := connect(t, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				c.answer(w, r)
			})
			_, err := client.Result(t.Context(), card())
			checkFailure(t, err, c.reason, c.attempts)
			if int(calls.Load()) != c.attempts {
				t.Errorf("%d calls, want %d", calls.Load(), c.attempts)
			}
		})
	}
}

// checkFailure also looks for what an error's text must not have.
func checkFailure(t *testing.T, err error, reason Reason, attempts int) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	if e.Step != "result" || e.Reason != reason || e.Attempts != attempts || e.Elapsed <= 0 {
		t.Errorf("got %+v, want reason %d after %d attempts", e, reason, attempts)
	}
	for _, verb := range []string{"%v", "%+v"} {
		told := fmt.Sprintf(verb, err)
		for _, secret := range []string{"canary", "127.0.0.1", "http", "order1", "IDA1", "app_id", "sign=", "nonce", "?", "<"} {
			if strings.Contains(told, secret) {
				t.Errorf("the error tells %q: %s", secret, told)
			}
		}
	}
}

func TestAnswersOfExactlyTheLimit(t *testing.T) {
	const body = `{"code":"0","msg":"12345"}`
	for name, answer := range map[string]http.HandlerFunc{
		"announced":                    text(body),
		"chunked":                      raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1a\r\n" + body + "\r\n0\r\n\r\n"),
		"to the end of the connection": raw("HTTP/1.1 200 OK\r\n\r\n" + body),
	} {
		client := connect(t, answer)
		q := card()
		q.Limit = len(body)
		if a, err := client.Result(t.Context(), q); err != nil || string(a.Body) != body {
			t.Errorf("%s: %v", name, err)
		}
		q.Limit--
		// Another client: the server may have closed the first one's connection.
		_, err := connect(t, answer).Result(t.Context(), q)
		checkFailure(t, err, TooLarge, 1)
	}
}

// TestChunksAreJoined reads bodies of unknown length around the sizes of the chunks.
func TestChunksAreJoined(t *testing.T) {
	for _, size := range []int{1 << 10, firstChunk - 1, firstChunk, firstChunk + 1, 3 * firstChunk, 3*firstChunk + 1, 10 << 20} {
		body := `{"code":"0","p":"` + strings.Repeat("A", size-len(`{"code":"0","p":""}`)) + `"}`
		client := connect(t, func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, body)
		})
		q := card()
		q.Limit = size
		if a, err := client.Result(t.Context(), q); err != nil || string(a.Body) != body {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// TestBodyIsNotDecompressed: whatever the upstream does, it was not asked for gzip.
func TestBodyIsNotDecompressed(t *testing.T) {
	client := connect(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Error("asked for", r.Header["Accept-Encoding"])
		}
		w.Header().Set("Content-Encoding", "gzip")
		text(`{"code":"0"}`)(w, r)
	})
	if a, err := client.Result(t.Context(), card()); err != nil || string(a.Body) != `{"code":"0"}` {
		t.Errorf("%v", err)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	t.Cleanup(elsewhere.Close)
	client := connect(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	})
	_, err := client.Result(t.Context(), card())
	checkFailure(t, err, BadResponse, 1)
}

func TestCertificateIsVerified(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	_, err := dial(t, server.URL, 5*time.Second).Result(t.Context(), card())
	checkFailure(t, err, Unreachable, 1)
	if !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
}

func TestOtherSideDoesNotSpeakTLS(t *testing.T) {
	server := httptest.NewServer(text(""))
	t.Cleanup(server.Close)
	_, err := dial(t, strings.Replace(server.URL, "http:", "https:", 1), 5*time.Second).Result(t.Context(), card())
	checkFailure(t, err, Unreachable, 1)
}

func TestNetworkErrors(t *testing.T) {
	address := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}
	for _, c := range []struct {
		name     string
		err      error
		reason   Reason
		attempts int
		says     string
	}{
		{"refused", &net.OpError{Op: "dial", Net: "tcp", Addr: address, Err: syscall.ECONNREFUSED}, Unreachable, 3, "refused"},
		{"no such host", &net.OpError{Op: "dial", Err: &net.DNSError{Name: "canary", Server: "127.0.0.1", IsNotFound: true}}, Unreachable, 1, "resolved"},
		{"the resolver fails", &net.OpError{Op: "dial", Err: &net.DNSError{Name: "canary", IsTemporary: true}}, Unreachable, 3, "resolved"},
		{"a time-out of the network", &net.OpError{Op: "dial", Addr: address, Err: syscall.ETIMEDOUT}, TimedOut, 1, "in time"},
		{"something else", errors.New("canary at 127.0.0.1"), Unreachable, 3, "failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client := New(Config{
				BaseURL: &url.URL{Scheme: "http", Host: "canary.invalid"},
				Timeout: 5 * time.Second,
				Dial:    func(context.Context, string, string) (net.Conn, error) { return nil, c.err },
			})
			_, err := client.Result(t.Context(), card())
			checkFailure(t, err, c.reason, c.attempts)
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("does not say %q: %v", c.says, err)
			}
		})
	}
}
