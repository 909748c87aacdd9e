package ticket_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestFleetUnderFaults has one fault after the other hit a fleet, each given time to
// heal. No query and no start fails: the upstream answers all of them but the token and ticket calls
// that a fault concerns, and a pair outlives such a fault by far. The mints are bounded
// by what the faults force, beyond the 3.05 an hour that there are without faults:
//
//   - one for each holder that died or was frozen between its token's being issued and
//     its publication: nobody else knows that token, and the pair in use ends within
//     the minute, so a successor mints again;
//   - two for each holder that was frozen right before its token call: the successor
//     mints; when the frozen call gets through after all it voids the successor's pair,
//     which takes another mint once that is rejected;
//   - for each minute without a store, or with one that takes no writes, and one more
//     until all have rejoined, one for each instance: an instance that starts cold then
//     has to mint for itself, or one that held the lease has what it cannot publish, which
//     voids everybody's pair a minute later, and they have to follow, each at most once
//     in a minute.
func TestFleetUnderFaults(t *testing.T) {
	for _, test := range []struct {
		name   string
		faults []string
	}{
		{"holders die and freeze, the upstream refuses and hangs", []string{"die", "freeze", "refuse", "hang"}},
		{"the store vanishes", []string{"vanish"}},
		{"the store takes no writes", []string{"refuse writes"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { liveUnderFaults(t, test.faults) })
		})
	}
}

func liveUnderFaults(t *testing.T, faults []string) {
	l := life{instances: 20, length: hours(24), perSecond: 5, skew: 2 * time.Minute, meanLife: time.Hour, flows: true}
	ended, end := context.WithCancel(t.Context())
	defer end()
	f := newFleet(ended, 2)
	// A holder that dies, or a store that is away, leaves a ticket that nobody knows but the vendor, who
	// signs with it; and its token ends the NONCE tickets of the one before.
	f.clients = slices.Equal(faults, []string{"refuse writes"})
	var (
		began, heals  time.Time
		turn          int
		away, outages float64            // minutes without a store, and how many times
		slot          = 25 * time.Minute // a renewal comes by in each
	)
	f.run(t, l, func(now time.Time, _ []*member) {
		if now.After(heals) {
			f.storeDown, f.readOnly, f.issuing = false, false, works
		}
		if now.Sub(began) < slot {
			return
		}
		began = now
		length := time.Duration(60+f.random.IntN(240)) * time.Second
		f.dieAt, f.stallAt = "", ""
		fault, where := faults[turn%len(faults)], steps[turn/len(faults)%len(steps)]
		turn++
		switch fault {
		case "vanish":
			f.storeDown = true
			heals = now.Add(length)
			away, outages = away+length.Minutes(), outages+1
		case "refuse writes":
			f.readOnly = true
			heals = now.Add(length)
			away, outages = away+length.Minutes(), outages+1
		case "die":
			f.dieAt = where
		case "freeze":
			f.stallAt, f.stall = where, 31*time.Second+length/2
		case "refuse":
			f.issuing, heals = refuses, now.Add(slot*9/10)
		case "hang":
			f.issuing, heals = hangs, now.Add(slot*9/10)
		}
	})
	bound := 3.05*l.length.Hours() + float64(l.instances)*(away+outages) + 2*float64(f.stalled[beforeToken])
	for _, s := range []step{afterToken, afterTicket, beforeSwap} {
		bound += float64(f.died[s] + f.stalled[s])
	}
	mints := len(f.upstream.Mints(appID))
	t.Logf("%d queries, %d failed, %d retried; died %v, frozen %v, %.0f minutes without a store: %d mints, the faults force at most %.0f",
		f.queries, f.failed, f.upstream.Counts(appID).Rejected, f.died, f.stalled, away, mints, bound)
	if float64(mints) > bound {
		t.Errorf("%d mints, the faults force at most %.0f", mints, bound)
	}
	f.check(t, func(broken string) bool {
		// Without a store, or after a freeze, instances cannot know of each other's calls.
		return strings.Contains(broken, "overlap")
	})
}
