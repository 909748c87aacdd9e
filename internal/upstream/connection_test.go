package upstream

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"
)

// abort closes the connection without an answer, from the nth query on and failures times.
func abort(from, failures int) func(int, http.ResponseWriter, *http.Request) {
	return func(n int, w http.ResponseWriter, r *http.Request) {
		if n >= from && n < from+failures {
			panic(http.ErrAbortHandler)
		}
		text(`{"code":"0"}`)(w, r)
	}
}

func TestBrokenConnectionIsRetried(t *testing.T) {
	inBubble(t, 5*time.Second, abort(1, 2), func(t *testing.T, b *bubble) {
		a, err := b.client.Result(t.Context(), card())
		if err != nil || a.Attempts != 3 || b.dials != 3 {
			t.Errorf("%+v, %v, %d dials", a, err, b.dials)
		}
		b.expectPauses(t)
		b.expectFresh(t, 3)
	})
}

// TestDeadPooledConnectionIsRetried has a kept connection die under the second query: the transport
// must not send the same nonce again by itself.
func TestDeadPooledConnectionIsRetried(t *testing.T) {
	inBubble(t, 5*time.Second, abort(2, 1), func(t *testing.T, b *bubble) {
		for want := 1; want <= 2; want++ {
			if a, err := b.client.Result(t.Context(), card()); err != nil || a.Attempts != want {
				t.Errorf("%+v, %v, want %d attempts", a, err, want)
			}
		}
		if b.dials != 2 {
			t.Errorf("%d dials", b.dials)
		}
		b.expectFresh(t, 3)
	})
}

func TestConnectionsAreKeptAndThenForgotten(t *testing.T) {
	inBubble(t, 5*time.Second, codeThen("0", 0), func(t *testing.T, b *bubble) {
		for i, step := range []struct {
			pause time.Duration
			dials int
		}{{0, 1}, {0, 1}, {maxIdle - time.Second, 1}, {maxIdle + time.Second, 2}, {time.Second, 2}} {
			time.Sleep(step.pause)
			if _, err := b.client.Result(t.Context(), card()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if b.dials != step.dials {
				t.Errorf("call %d: %d dials, want %d", i+1, b.dials, step.dials)
			}
		}
	})
}

func TestUnreachableWithinTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nobody := &network{conns: make(chan net.Conn), done: make(chan struct{})}
		c := New(Config{BaseURL: &url.URL{Scheme: "http", Host: "upstream"}, Timeout: 5 * time.Second, Dial: nobody.dial})
		defer c.Close()
		start := time.Now()
		_, err := c.Result(t.Context(), card())
		checkFailure(t, err, TimedOut, 1)
		if got := time.Since(start); got != 5*time.Second {
			t.Errorf("after %v", got)
		}
		if errors.Unwrap(err) != nil {
			t.Error("the error wraps one that may quote the URL")
		}
	})
}
