package ticket_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/ticket"
)

// readOnly is a store that reads and refuses writes while a test says so: Redis out of
// memory or demoted, a role without PutObject, a full disk.
type readOnly struct {
	ticket.Store
	mu     sync.Mutex
	refuse bool
	swaps  int           // that were refused
	takes  time.Duration // a Swap that is refused
}

func (s *readOnly) set(refuse bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = refuse
}

func (s *readOnly) refused() (swaps int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.swaps
}

func (s *readOnly) Swap(ctx context.Context, app string, version uint64, data []byte) (bool, error) {
	s.mu.Lock()
	refuse := s.refuse
	if refuse {
		s.swaps++
	}
	s.mu.Unlock()
	if refuse {
		if err := sleep(ctx, s.takes); err != nil {
			return false, err
		}
		return false, errors.New("store: redis: swap: the server answered READONLY")
	}
	return s.Store.Swap(ctx, app, version, data)
}

// A store that answers a Swap with an error has not lost it a race: after the second error
// it counts as down.
func TestStoreThatRefusesWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		d, store := &fakeIssuer{}, &readOnly{Store: &ticket.Memory{}}
		c := d.loggingCache(store, &log)
		first := get(t, c)
		store.set(true)
		time.Sleep(schedule.Refresh)
		start := time.Now()
		if p := get(t, c); p.Generation() != first.Generation() || d.issued() != 1 {
			t.Errorf("a due pair: generation %d, want %d; %d tokens", p.Generation(), first.Generation(), d.issued())
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("a request took %v", took)
		}
		if n := store.refused(); n > 2 {
			t.Errorf("the store was written to %d times for one request", n)
		}
		if n := strings.Count(log.String(), `"level":"WARN"`); n > 2 {
			t.Errorf("%d warnings for one request:\n%s", n, log.String())
		}
		for time.Since(start) < 60*time.Minute {
			start := time.Now()
			if p := get(t, c); p.State(time.Now()) == ticket.Absent {
				t.Fatal("an expired pair")
			}
			if took := time.Since(start); took > time.Second {
				t.Fatalf("a request took %v", took)
			}
			time.Sleep(7 * time.Second)
		}
		if n := d.issued(); n > 3 {
			t.Errorf("%d tokens in 80 minutes", n)
		}
		store.set(false)
		time.Sleep(time.Minute)
		own := get(t, c)
		if shared := get(t, d.cache(store)); shared.Generation() < own.Generation() {
			t.Error("what was minted meanwhile was not published")
		}
	})
}

// A cold instance mints for itself, within two calls of the store and a renewal, also
// where the errors are time-outs.
func TestColdInstanceAtAStoreThatRefusesWrites(t *testing.T) {
	for _, takes := range []time.Duration{0, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			d, store := &fakeIssuer{takes: 50 * time.Millisecond}, &readOnly{Store: &ticket.Memory{}, refuse: true, takes: takes}
			c := d.cache(store)
			start := time.Now()
			get(t, c)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("refused after %v: the first pair took %v", takes, took)
			}
			if d.issued() != 1 {
				t.Errorf("%d tokens", d.issued())
			}
		})
	}
}

// back is a store whose clock a test sets back.
type back struct {
	ticket.Store
	by time.Duration
}

func (s *back) Load(ctx context.Context, app string) (ticket.Value, error) {
	v, err := s.Store.Load(ctx, app)
	v.Now = v.Now.Add(-s.by)
	return v, err
}

// A lease, and a back-off, that end later than any can are not believed: the clock went
// back since.
func TestStoreWhoseClockGoesBack(t *testing.T) {
	for _, by := range []time.Duration{time.Minute, 10 * time.Minute, 48 * time.Hour} {
		synctest.Test(t, func(t *testing.T) { // the holder of the lease died
			store := &back{Store: &ticket.Memory{}}
			hung := &fakeIssuer{hangs: true}
			ctx, cancel := context.WithCancel(t.Context())
			_, renewal, _ := hung.cache(stalledStore(store, beforePublish, time.Hour, nil)).Get(bounded(ctx, time.Second), appID)
			store.by = by
			d := &fakeIssuer{}
			c := d.cache(store)
			start := time.Now()
			get(t, c)
			if took := time.Since(start); took > 31*time.Second || d.issued() != 1 {
				t.Errorf("by %v: a lease of the dead held for %v", by, took)
			}
			cancel()
			renewal.Wait()
		})
		synctest.Test(t, func(t *testing.T) { // the upstream failed for a while
			d, store := &fakeIssuer{failToken: errors.New("down")}, &back{Store: &ticket.Memory{}}
			c := d.cache(store)
			for range 8 {
				_, renewal, _ := c.Get(t.Context(), appID)
				renewal.Wait()
				time.Sleep(11 * time.Second)
			}
			_, renewal, _ := c.Get(t.Context(), appID)
			renewal.Wait()
			store.by = by
			d.set(func(d *fakeIssuer) { d.failToken = nil })
			time.Sleep(11 * time.Second)
			if _, renewal, err := d.cache(store).Get(t.Context(), appID); err != nil {
				t.Errorf("by %v: %v", by, err)
			} else {
				renewal.Wait()
			}
		})
		synctest.Test(t, func(t *testing.T) { // a pair from the future is renewed, once
			d, store := &fakeIssuer{}, &back{Store: &ticket.Memory{}}
			old := get(t, d.cache(store))
			store.by = by
			c := d.cache(store)
			if p := get(t, c); p.Generation() == old.Generation() || d.issued() != 2 {
				t.Errorf("by %v: a pair of unknown age was not renewed; %d tokens", by, d.issued())
			}
			time.Sleep(schedule.Refresh / 2)
			if get(t, c); d.issued() != 2 {
				t.Errorf("by %v: %d tokens", by, d.issued())
			}
		})
	}
}

func bounded(ctx context.Context, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(ctx, d)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// lost is the error of a token call whose answer was lost.
type lost struct{ error }

func (lost) Lost() bool { return true }

// After a token call whose answer was lost the pair in use may end an overlap later.
// Until then no other token is asked for, which might end it at once; then one is, before
// the pair is used again.
func TestLostAnswerOfTheTokenCall(t *testing.T) {
	for _, shared := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			d, store := &fakeIssuer{}, &brokenStore{Store: &ticket.Memory{}}
			c := d.cache(store)
			first := get(t, c)
			time.Sleep(schedule.Refresh)
			d.set(func(d *fakeIssuer) { d.failToken = lost{errors.New("no answer")} })
			get(t, c)
			asked := time.Now()
			d.set(func(d *fakeIssuer) { d.failToken = nil })
			other := c
			if shared {
				other = d.cache(store) // knows it from the record alone
			}
			for time.Since(asked) < schedule.Overlap-time.Second {
				for _, c := range []*ticket.Cache{c, other} {
					if p := get(t, c); p.Generation() != first.Generation() {
						t.Fatalf("another token after %v", time.Since(asked))
					}
				}
				time.Sleep(time.Second / 2)
			}
			time.Sleep(time.Until(asked.Add(schedule.Overlap)))
			for _, c := range []*ticket.Cache{other, c} {
				if p := get(t, c); p.Generation() == first.Generation() {
					t.Error("the old pair was used an overlap after the request")
				}
			}
			if d.issued() != 2 {
				t.Errorf("%d tokens", d.issued())
			}
		})
	}
}

// A token endpoint that takes requests and never answers leaves a pair that may be void
// and may be not: it serves on, for who asks with it learns which.
func TestTokenCallsThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeIssuer{}
		c := d.cache(nil)
		first := get(t, c)
		d.set(func(d *fakeIssuer) { d.failToken, d.takes = lost{errors.New("no answer in time")}, 10*time.Second })
		time.Sleep(schedule.Refresh)
		for range 200 {
			start := time.Now()
			outcome, err := c.Do(t.Context(), appID, func(p *ticket.Pair) (rejected bool, err error) {
				if took := time.Since(start); took > 3*time.Second {
					t.Errorf("asked after %v", took)
				}
				return p.Generation() != first.Generation(), nil
			})
			if err != nil || outcome != ticket.Outcome(ticket.Stale) && outcome != ticket.Outcome(ticket.Fresh) {
				t.Fatalf("%v, %v", outcome, err)
			}
			time.Sleep(5 * time.Second)
		}
	})
}
