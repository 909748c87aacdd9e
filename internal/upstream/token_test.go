package upstream

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/secret"
)

func page(_ int, w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusBadGateway)
	_, _ = w.Write([]byte("<html>"))
}

// failedCalls are the ways in which a call fails, and whether its answer is lost.
var failedCalls = []struct {
	name   string
	answer func(int, http.ResponseWriter, *http.Request)
	lost   bool
}{
	{"closed without an answer", abort(0, 99), true},
	{"a page in between", page, true},
	{"no answer in time", hangUp, true},
	{"an internal error", codeThen("999999", 99), false},
	{"throttled", codeThen("400501", 99), false},
	{"no privilege", codeThen("400104", 99), false},
}

// TestTokenCallIsSentOnce: another token within the minute may end the pair in use, so
// that a call whose answer is lost is not repeated, and says that it was.
func TestTokenCallIsSentOnce(t *testing.T) {
	for _, c := range failedCalls {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, time.Second, c.answer, func(t *testing.T, b *bubble) {
				_, err := b.client.AccessToken(t.Context(), "IDA1", secret.New("canary"))
				var e *Error
				if !errors.As(err, &e) || e.Lost() != c.lost {
					t.Errorf("%v, want lost %v", err, c.lost)
				}
				synctest.Wait()
				if n := b.asked(); n != 1 {
					t.Errorf("asked %d times", n)
				}
				_, err = b.client.SignTicket(t.Context(), "IDA1", secret.New("canary"))
				if !errors.As(err, &e) || e.Lost() {
					t.Errorf("the ticket call is lost: %v", err)
				}
			})
		})
	}
}

// TestTokenCallIsRepeatedWhereNothingWasSent: a connection that could not be made.
func TestTokenCallIsRepeatedWhereNothingWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		c := refusing(&dials)
		_, err := c.AccessToken(t.Context(), "IDA1", secret.New("canary"))
		var e *Error
		if !errors.As(err, &e) || e.Lost() || e.Attempts != 3 || dials != 3 {
			t.Errorf("%v after %d dials, want three attempts, none of them lost", err, dials)
		}
	})
}

// refusing returns a client whose connections are refused, and counts them.
func refusing(dials *int) *Client {
	return New(Config{BaseURL: &url.URL{Scheme: "http", Host: "upstream"}, Timeout: time.Second,
		Dial: func(context.Context, string, string) (net.Conn, error) {
			*dials++
			return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
		}})
}

// asked is how many queries have arrived.
func (b *bubble) asked() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.queries)
}
