package ticket_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestFleetUnderFaults has one fault after the other hit a fleet, each given time to
// heal: a store that vanishes for minutes, holders that die or are frozen at every
// step of a renewal, an upstream that refuses or hangs while a renewal is due.
//
// No query fails: the upstream answers all of them but the token and ticket calls
// that a fault concerns, and a pair outlives such a fault by far.
//
// The mints are bounded by what the faults force:
//   - 3.05 an hour, as without faults;
//   - one for each holder that died or was frozen between its token's being issued and
//     its publication: nobody else knows that token, and the pair in use ends within
//     the minute, so a successor mints again;
//   - two for each holder that was frozen right before its token call: the successor
//     mints; when the frozen call gets through after all it voids the successor's pair,
//     which takes another mint once that is rejected;
//   - for each minute without a store, and one more minute until all have rejoined, one
//     for each instance: an instance that starts cold then has to mint for itself, which
//     voids everybody's pair a minute later, and they have to follow, each at most once
//     in a minute.
func TestFleetUnderFaults(t *testing.T) {
	l := life{instances: 20, length: hours(24), perSecond: 5, skew: 2 * time.Minute, meanLife: time.Hour}
	synctest.Test(t, func(t *testing.T) {
		ended, end := context.WithCancel(t.Context())
		defer end()
		f := newFleet(ended, 2)
		var (
			start       = time.Now()
			withoutOne  time.Duration // how long there was no store
			healed      = start
			kind, place int
		)
		f.run(t, l, func(now time.Time, _ []*member) {
			switch slot := now.Sub(healed); {
			case slot >= 25*time.Minute: // a renewal has come by: next
				f.storeDown, f.issuing, f.dieAt, f.stallAt = false, works, "", ""
				healed = now
				kind = (kind + 1) % 5
				if kind == 1 {
					place = (place + 1) % len(steps)
				}
				length := time.Duration(60+f.random.IntN(240)) * time.Second
				switch kind {
				case 0:
					f.storeDown = true
					withoutOne += length
					time.AfterFunc(length, func() { f.mu.Lock(); f.storeDown = false; f.mu.Unlock() })
				case 1:
					f.dieAt = steps[place]
				case 2:
					f.stallAt = steps[place]
					f.stall = 31*time.Second + length/2
				case 3:
					f.issuing = refuses
				case 4:
					f.issuing = hangs
				}
			case slot >= 22*time.Minute && (kind == 3 || kind == 4):
				f.issuing = works
			}
		})
		mints := f.upstream.Mints(appID)
		bound := 3.05*l.length.Hours() + float64(l.instances)*(withoutOne.Minutes()+5)
		for _, s := range []step{afterToken, afterTicket, beforePublish} {
			bound += float64(f.died[s] + f.stalled[s])
		}
		bound += 2 * float64(f.stalled[beforeToken])
		t.Logf("died: %v, frozen: %v, %.0f minutes without a store: %d mints, at most %.0f are forced",
			f.died, f.stalled, withoutOne.Minutes(), len(mints), bound)
		f.checkFaulty(t)
		if float64(len(mints)) > bound {
			t.Errorf("%d mints, the faults force at most %.0f", len(mints), bound)
		}
	})
}

// checkFaulty checks what holds under faults, too. Without a store, or after a freeze,
// instances cannot know of each other's calls.
func (f *fleet) checkFaulty(t *testing.T) {
	t.Helper()
	t.Logf("%d queries, %d failed, %d retried", f.queries, f.failed, f.upstream.Counts(appID).Rejected)
	for _, broken := range f.upstream.Violations() {
		if !strings.Contains(broken, "overlap") {
			t.Error("the upstream's rules were broken:", broken)
		}
	}
	for _, failure := range f.failures {
		t.Error("a query failed:", failure)
	}
	if f.failed > len(f.failures) {
		t.Errorf("and %d more", f.failed-len(f.failures))
	}
}
