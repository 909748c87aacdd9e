package ticket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/secret"
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
		d, store := &desk{}, &readOnly{Store: &ticket.Memory{}}
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
			d, store := &desk{takes: 50 * time.Millisecond}, &readOnly{Store: &ticket.Memory{}, refuse: true, takes: takes}
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
			hung := &desk{hangs: true}
			ctx, cancel := context.WithCancel(t.Context())
			_, renewal, _ := hung.cache(&slowStore{Store: store, publishes: time.Hour}).Get(bounded(ctx, time.Second), appID)
			store.by = by
			d := &desk{}
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
			d, store := &desk{failToken: errors.New("down")}, &back{Store: &ticket.Memory{}}
			c := d.cache(store)
			for range 8 {
				_, renewal, _ := c.Get(t.Context(), appID)
				renewal.Wait()
				time.Sleep(11 * time.Second)
			}
			_, renewal, _ := c.Get(t.Context(), appID)
			renewal.Wait()
			store.by = by
			d.set(func(d *desk) { d.failToken = nil })
			time.Sleep(11 * time.Second)
			if _, renewal, err := d.cache(store).Get(t.Context(), appID); err != nil {
				t.Errorf("by %v: %v", by, err)
			} else {
				renewal.Wait()
			}
		})
		synctest.Test(t, func(t *testing.T) { // a pair from the future is renewed, once
			d, store := &desk{}, &back{Store: &ticket.Memory{}}
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

// Who hangs up during the renewal that his rejection forces is not better off than who
// waits: the row of forced mints counts, whatever became of the requests.
func TestHangingUpCountsAgainstTheCeiling(t *testing.T) {
	for _, others := range []bool{false, true} { // requests that succeed, beside it
		synctest.Test(t, func(t *testing.T) {
			d, store := &desk{takes: 100 * time.Millisecond}, &ticket.Memory{}
			c, neighbour := d.cache(store), d.cache(store)
			get(t, c)
			start := time.Now()
			for time.Since(start) < time.Hour {
				ctx, hangUp := context.WithTimeout(t.Context(), 50*time.Millisecond)
				_, _ = c.Do(ctx, appID, func(*ticket.Pair) (rejected bool, err error) { return true, ctx.Err() })
				hangUp()
				for _, o := range []*ticket.Cache{c, neighbour} {
					if others {
						_, _ = o.Do(t.Context(), appID, func(*ticket.Pair) (rejected bool, err error) { return false, nil })
					}
				}
				time.Sleep(5 * time.Second)
			}
			// Two in a row, an overlap apart, and from then on one each half refresh.
			if n, most := d.issued()-1, 2+int(time.Hour/(schedule.Refresh/2)); n > most {
				t.Errorf("others %v: %d mints in an hour, want at most %d", others, n, most)
			}
		})
	}
}

// A forced mint that proved needed starts no row: another server that voids the pair every
// few minutes is met each time.
func TestNeededForcedMintsAreNoRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := &desk{takes: 100 * time.Millisecond}, &ticket.Memory{}
		c, other := d.cache(store), d.cache(store)
		get(t, c)
		for range 10 {
			next := fmt.Sprint("-", d.issued()+1) // all before it are void
			outcome, err := c.Do(t.Context(), appID, func(p *ticket.Pair) (rejected bool, err error) {
				return !strings.HasSuffix(p.Ticket.Reveal(), next), nil
			})
			if err != nil || outcome != ticket.Renewed {
				t.Fatalf("%v, %v", outcome, err)
			}
			time.Sleep(2 * time.Minute)
			c, other = other, c // the row is the app's, not the instance's
		}
	})
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
			d, store := &desk{}, &brokenStore{Store: &ticket.Memory{}}
			c := d.cache(store)
			first := get(t, c)
			time.Sleep(schedule.Refresh)
			d.set(func(d *desk) { d.failToken = lost{errors.New("no answer")} })
			get(t, c)
			asked := time.Now()
			d.set(func(d *desk) { d.failToken = nil })
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
		d := &desk{}
		c := d.cache(nil)
		first := get(t, c)
		d.set(func(d *desk) { d.failToken, d.takes = lost{errors.New("no answer in time")}, 10*time.Second })
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

// alwaysVoid is the upstream as many instances without a store meet it: each token voids
// what was issued before, an overlap later.
type alwaysVoid struct {
	mu     sync.Mutex
	issued []time.Time
}

func (u *alwaysVoid) Token(context.Context) (secret.Credential, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.issued = append(u.issued, time.Now())
	return secret.Credential{Value: secret.New(strings.Repeat("t", len(u.issued))), Life: 2 * time.Hour}, nil
}

func (u *alwaysVoid) Ticket(_ context.Context, token secret.Text) (secret.Credential, error) {
	return secret.Credential{Value: token, Life: time.Hour}, nil
}

func (u *alwaysVoid) rejects(p *ticket.Pair) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := len(p.Ticket.Reveal())
	return n < len(u.issued) && time.Since(u.issued[n]) >= schedule.Overlap
}

// A hundred cold instances and no store. Each mints once for itself, and then upon
// rejections: quickMints and one more an overlap apart, and after the k-th beyond those
// not before half of 4·2^(k-1) overlaps, at most a quarter of TICKET_REFRESH. In ten
// minutes of 60 s overlaps that is at most 1 + 4 + 2 (after 2 and 4 minutes more), in an
// hour at most 1 + 4 + 2 + (60-10)/5. Each on its own clock would be 1 + 60.
func TestForcedMintsWithoutAStoreBackOff(t *testing.T) {
	const instances = 100
	for span, each := range map[time.Duration]int{10 * time.Minute: 7, time.Hour: 17} {
		synctest.Test(t, func(t *testing.T) {
			u := &alwaysVoid{}
			store := &brokenStore{Store: &ticket.Memory{}, down: true}
			start := time.Now()
			var all sync.WaitGroup
			for range instances {
				c := ticket.New(ticket.Config{
					Apps:     map[string]ticket.App{appID: {Issuer: u, Secret: secret.New("s")}},
					Store:    store,
					Schedule: schedule,
				})
				all.Go(func() {
					for time.Since(start) < span {
						_, err := c.Do(t.Context(), appID, func(p *ticket.Pair) (rejected bool, err error) { return u.rejects(p), nil })
						if waited := time.Since(start); err != nil && waited < 4*schedule.Overlap {
							t.Errorf("after %v: %v", waited, err)
						}
						time.Sleep(time.Second)
					}
				})
			}
			all.Wait()
			if n := len(u.issued); n > instances*each {
				t.Errorf("%d instances had %d tokens issued in %v, want at most %d each", instances, n, span, each)
			} else {
				t.Logf("%d instances: %d tokens in %v", instances, n, span)
			}
		})
	}
}
