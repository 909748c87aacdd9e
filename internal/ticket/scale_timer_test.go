package ticket_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/handler"
	"kyc-ocr-relay/internal/relay"
)

// timed is how long the timer takes where no app has a pair.
type timed struct {
	Apps       int
	Redis, COS float64 // seconds
}

func TestScaleOfTheTimer(t *testing.T) {
	for apps := 1; apps <= *scaleTo; apps *= 10 {
		say(t, "timer", timed{apps, timer(t, apps, redisTakes), timer(t, apps, cosTakes)})
	}
}

// fire has the timer call a new instance, which has so much time.
func (s *scaled) fire(t *testing.T, limit time.Duration) (done relay.Renewals) {
	t.Helper()
	r, log := s.start(s), slog.New(slog.DiscardHandler)
	h := handler.New(relay.NewCurrent(func(context.Context) (*relay.Relay, error) { return r, nil }, log), log)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	payload, err := h.Invoke(ctx, "", []byte(`{"Type":"Timer","TriggerName":"renew","Time":"2026-01-01T00:00:00Z","Message":""}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &done); err != nil {
		t.Fatal(err)
	}
	return done
}

func timer(t *testing.T, apps int, takes time.Duration) (seconds float64) {
	synctest.Test(t, func(t *testing.T) {
		s := newScaled(apps, takes)
		begin := time.Now()
		done := s.fire(t, time.Minute) // as scripts/deploy has it
		seconds = time.Since(begin).Seconds()
		if len(done.Renewed) != apps {
			t.Errorf("%d of %d apps were renewed in %.1f s", len(done.Renewed), apps, seconds)
		}
		if most := float64(2+apps/16) * (2*upstreamTakes + 12*takes).Seconds(); seconds > most {
			t.Errorf("%d apps took %.1f s, which is more than %.1f", apps, seconds, most)
		}
	})
	return seconds
}

// Where there are more apps than the function's time limit allows, the next timer goes on with the others,
// and no app is minted for twice but those that the end of the time met on their way.
func TestTimerGoesOnWhereItsTimeEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const apps, limit, atOnce = 100, 1500 * time.Millisecond, 16
		s, runs, left := newScaled(apps, redisTakes), 0, apps
		for ; left > 0 && runs < 10; runs++ {
			done := s.fire(t, limit)
			left = len(done.Failed)
			if sum := len(done.Renewed) + len(done.Fresh) + left; sum != apps || len(done.Renewed) == 0 {
				t.Fatalf("run %d: %d of %d apps in the answer, %d renewed", runs, sum, apps, len(done.Renewed))
			}
			time.Sleep(5 * time.Minute)
		}
		if left > 0 || runs < 2 || runs > 4 {
			t.Errorf("%d of %d apps were left after %d timers", left, apps, runs)
		}
		mints := 0
		for _, app := range s.apps {
			mints += len(s.upstream.Mints(app))
		}
		if mints < apps || mints > apps+atOnce*runs {
			t.Errorf("%d mints for %d apps by %d timers", mints, apps, runs)
		}
		for _, broken := range s.upstream.Violations() {
			t.Error("the upstream's rules were broken:", broken)
		}
	})
}

// Where no timer has time enough for all, none is left out for ever: as in one order the last would be.
func TestTimerLeavesNoAppOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const apps, limit = 100, time.Second // for the first 16: none begins in the last 0.6 s
		s := newScaled(apps, redisTakes)
		for range 8 * 12 {
			if n := len(s.fire(t, limit).Renewed); n == 0 || n > apps/4 {
				t.Fatalf("%d renewed", n) // more than a quarter, and all had their turn before the first is due again
			}
			time.Sleep(5 * time.Minute)
		}
		for _, app := range s.apps {
			if len(s.upstream.Mints(app)) == 0 {
				t.Errorf("%s was never renewed in 8 hours", app)
			}
		}
	})
}
