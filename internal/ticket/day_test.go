package ticket_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// life is what happens to a fleet from outside.
type life struct {
	instances int
	length    time.Duration
	perSecond float64
	skew      time.Duration // clocks are off by up to this, both ways
	meanLife  time.Duration // of an instance, until a new one takes its place
	flows     bool          // one request in sixteen starts a client's flow; what comes back another instance checks
}

// member is an instance in its place in the fleet.
type member struct {
	*instance
	ends, frozen time.Time
}

// run lets the fleet live. disturb, where there is one, is called once a virtual
// second and may do what it likes.
func (f *fleet) run(t *testing.T, l life, disturb func(now time.Time, members []*member)) {
	var (
		queries sync.WaitGroup
		random  = rand.New(rand.NewPCG(3, 3)) // not the networks', which run beside it
		start   = time.Now()
		second  = start
		members = make([]*member, l.instances)
	)
	begin := func() *member {
		return &member{
			instance: f.start(time.Duration((random.Float64()*2 - 1) * float64(l.skew))),
			ends:     time.Now().Add(time.Duration(random.ExpFloat64() * float64(l.meanLife))),
		}
	}
	for n := 0; time.Since(start) < l.length; n++ {
		now := time.Now()
		place := random.IntN(l.instances)
		m := members[place]
		if m == nil || m.isDead() || now.After(m.ends) {
			m = begin() // a cold start
			members[place] = m
		}
		if random.IntN(2000) == 0 { // idle for a while: the platform freezes it
			m.frozen = now.Add(time.Duration(random.ExpFloat64() * float64(15*time.Minute)))
		}
		if !now.Before(m.frozen) && !now.Before(m.frozenUntil()) {
			i, order := m.instance, fmt.Sprintf("order%d", n)
			if l.flows && n%16 == 0 {
				other, later := members[random.IntN(l.instances)], time.Duration(random.Int64N(int64(15*time.Minute)))
				queries.Go(func() { i.flow(order, n%32 == 0, later, other) })
			} else {
				queries.Go(func() { i.query(order) })
			}
		}
		if disturb != nil && now.Sub(second) >= time.Second {
			second = now
			f.mu.Lock()
			disturb(now, members)
			f.mu.Unlock()
		}
		time.Sleep(time.Duration(random.ExpFloat64() / l.perSecond * float64(time.Second)))
	}
	queries.Wait()
}

// report logs what happened and checks what holds for every fleet.
func (f *fleet) report(t *testing.T, l life) (mints []time.Time, retried float64) {
	mints = f.upstream.Mints(appID)
	retried = float64(f.upstream.Counts(appID).Rejected) / float64(f.queries)
	hours := l.length.Hours()
	shortest := time.Duration(math.MaxInt64)
	for i := 1; i < len(mints); i++ {
		shortest = min(shortest, mints[i].Sub(mints[i-1]))
	}
	t.Logf("%d instances, %.0f h: %d requests, %d failed, %.3f %% retried, %.2f mints an hour, the closest two %v apart, %.2f store reads and %.2f writes an instance and renewal",
		l.instances, hours, f.queries, f.failed, 100*retried, float64(len(mints))/hours, shortest.Round(time.Second),
		float64(f.loads)/float64(len(mints)*l.instances), float64(f.swaps)/float64(len(mints)*l.instances))
	f.check(t, func(string) bool { return false })
	return mints, retried
}

// check reports failed queries, and broken rules but those that are excused.
func (f *fleet) check(t *testing.T, excused func(string) bool) {
	t.Helper()
	for _, broken := range f.upstream.Violations() {
		if !excused(broken) {
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

// hours is how much virtual time a test gets: the race detector is slow.
func hours(n int) time.Duration {
	if raceEnabled {
		n = (n + 7) / 8
	}
	return time.Duration(n) * time.Hour
}

func TestFleetForADay(t *testing.T) {
	l := life{instances: 50, length: hours(24), perSecond: 5, skew: 2 * time.Minute, meanLife: 2 * time.Hour, flows: true}
	synctest.Test(t, func(t *testing.T) {
		ended, end := context.WithCancel(t.Context())
		defer end()
		f := newFleet(ended, 1)
		f.clients = true
		f.run(t, l, nil)
		mints, retried := f.report(t, l)
		if retried > 0.003 {
			t.Errorf("%.3f %% of the queries were retried, at most 0.3 are expected", 100*retried)
		}
		if perHour := float64(len(mints)) / l.length.Hours(); perHour > 3.05 {
			t.Errorf("%.2f mints an hour, at most 3.05 are expected", perHour)
		}
		for i := 1; i < len(mints); i++ {
			if apart := mints[i].Sub(mints[i-1]); apart < time.Minute {
				t.Errorf("two mints within %v", apart)
			}
		}
	})
}
