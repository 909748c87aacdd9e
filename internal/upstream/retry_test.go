package upstream

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"kyc-ocr-relay/signer"
)

func codeThen(code string, failures int) func(int, http.ResponseWriter, *http.Request) {
	return func(n int, w http.ResponseWriter, r *http.Request) {
		if n > failures {
			code = "0"
		}
		text(`{"code":"`+code+`"}`)(w, r)
	}
}

// expectPauses holds the gaps between the queries to the pauses that are promised.
func (b *bubble) expectPauses(t *testing.T) {
	t.Helper()
	for i, most := range []time.Duration{150 * time.Millisecond, 450 * time.Millisecond} {
		if i+1 >= len(b.moments) {
			return
		}
		if gap := b.moments[i+1] - b.moments[i]; gap < most/3 || gap >= most {
			t.Errorf("pause %d was %v, want from %v to %v", i+1, gap, most/3, most)
		}
	}
}

func TestTransientAnswersAreRetriedTwice(t *testing.T) {
	for _, c := range []struct {
		name     string
		code     string
		failures int
		attempts int
		class    Class
	}{
		{"none", "999999", 0, 1, Success},
		{"one", "999998", 1, 2, Success},
		{"two", "999997", 2, 3, Success},
		{"for ever", "999999", 99, 3, Transient},
		{"throttled is not retried", "400501", 99, 1, Throttled},
		{"rejected is not retried", "400101", 99, 1, Rejected},
		{"not found is not retried", "66660020", 99, 1, NotFound},
		{"a business answer is not retried", "-9012", 99, 1, Business},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, 5*time.Second, codeThen(c.code, c.failures), func(t *testing.T, b *bubble) {
				a, err := b.client.Result(t.Context(), card())
				if err != nil || a.Attempts != c.attempts || a.Class != c.class {
					t.Fatalf("%+v, %v, want %d attempts", a, err, c.attempts)
				}
				if a.Elapsed != time.Since(b.start) {
					t.Errorf("elapsed %v of %v", a.Elapsed, time.Since(b.start))
				}
				b.expectPauses(t)
				b.expectFresh(t, c.attempts)
			})
		})
	}
}

// expectFresh holds every query to a nonce of its own, and to the sign that belongs to it.
func (b *bubble) expectFresh(t *testing.T, n int) {
	t.Helper()
	if len(b.queries) != n {
		t.Errorf("%d queries, want %d", len(b.queries), n)
	}
	nonces := map[string]bool{}
	for _, q := range b.queries {
		nonce := q.Get("nonce")
		if want := signer.Sign("IDA1", "order1", "1.0.0", nonce, "canary-ticket"); q.Get("sign") != want {
			t.Errorf("sign %s, want %s", q.Get("sign"), want)
		}
		nonces[nonce] = true
	}
	if len(nonces) != n {
		t.Errorf("%d nonces for %d queries", len(nonces), n)
	}
}

func TestPausesVary(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 8 {
		inBubble(t, 5*time.Second, codeThen("999999", 1), func(t *testing.T, b *bubble) {
			if _, err := b.client.Result(t.Context(), card()); err != nil {
				t.Error(err)
			}
			seen[b.moments[1]-b.moments[0]] = true
		})
	}
	if len(seen) < 2 {
		t.Error("every pause was the same")
	}
}

// hangUp never answers.
func hangUp(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func TestTimeOutIsNotRetried(t *testing.T) {
	for _, c := range []struct {
		name              string
		timeout, deadline time.Duration
		want              time.Duration
	}{
		{"the client's", 5 * time.Second, time.Minute, 5 * time.Second},
		{"the caller's", 5 * time.Second, 2 * time.Second, 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, c.timeout, hangUp, func(t *testing.T, b *bubble) {
				ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
				defer cancel()
				_, err := b.client.Result(ctx, card())
				checkFailure(t, err, TimedOut, 1)
				if got := time.Since(b.start); got != c.want {
					t.Errorf("after %v, want %v", got, c.want)
				}
			})
		})
	}
}

func TestTimeOutInTheBodyIsNotRetried(t *testing.T) {
	stall := func(_ int, w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"code":"0",`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	inBubble(t, 3*time.Second, stall, func(t *testing.T, b *bubble) {
		_, err := b.client.Result(t.Context(), card())
		checkFailure(t, err, TimedOut, 1)
	})
}

func TestCallerWhoLeavesIsNotServed(t *testing.T) {
	inBubble(t, 5*time.Second, hangUp, func(t *testing.T, b *bubble) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := b.client.Result(ctx, card())
		checkFailure(t, err, Canceled, 1)
		if got := time.Since(b.start); got != time.Second {
			t.Errorf("after %v", got)
		}
	})
}

// TestNoAttemptThatTheDeadlineWouldCut hands on the answer it has, at once.
func TestNoAttemptThatTheDeadlineWouldCut(t *testing.T) {
	inBubble(t, 5*time.Second, codeThen("999999", 99), func(t *testing.T, b *bubble) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		a, err := b.client.Result(ctx, card())
		if err != nil || a.Class != Transient || a.Attempts != 1 || time.Since(b.start) != 0 {
			t.Errorf("%+v, %v after %v", a, err, time.Since(b.start))
		}
	})
}

func TestPauseEndsWithTheCaller(t *testing.T) {
	inBubble(t, 5*time.Second, codeThen("999999", 99), func(t *testing.T, b *bubble) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		a, err := b.client.Result(ctx, card())
		if err != nil || a.Class != Transient || a.Attempts != 1 || time.Since(b.start) != time.Millisecond {
			t.Errorf("%+v, %v after %v", a, err, time.Since(b.start))
		}
	})
}
