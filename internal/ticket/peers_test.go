package ticket_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/ticket"
)

// The bugs of other token caches, each a test named after it.

// WxJava 1293, 1222: no second look after the lock was won.
func TestWxJava1293SecondLookAfterTheLockWasWon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := &fakeIssuer{}, &ticket.Memory{}
		a, b := d.cache(store), d.cache(store)
		get(t, a)
		get(t, b)
		time.Sleep(schedule.Refresh)
		get(t, a) // renews
		get(t, b) // was about to
		if n := d.issued(); n != 2 {
			t.Errorf("%d tokens were issued, want one a renewal", n)
		}
	})
}

// oauth2-proxy 1992, 3456: a lock shorter than the work it guards.
func TestOAuth2Proxy1992LeaseLongerThanTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := &fakeIssuer{takes: 11 * time.Second}, &ticket.Memory{}
		a, b := d.cache(store), d.cache(store)
		var both sync.WaitGroup
		both.Go(func() { get(t, a) })
		time.Sleep(time.Second)
		both.Go(func() { get(t, b) })
		both.Wait()
		if n := d.issued(); n != 1 {
			t.Errorf("%d tokens were issued while one renewal took 22 s", n)
		}
	})
}

// oauth2-proxy 1385: losers queue on the lock instead of watching for the result.
func TestOAuth2Proxy1385LosersWatchForTheResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := &fakeIssuer{takes: 2 * time.Second}, &ticket.Memory{}
		start := time.Now()
		var all sync.WaitGroup
		for range 10 {
			c := d.cache(store)
			all.Go(func() {
				get(t, c)
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("a loser waited %v for a renewal of 4 s", took)
				}
			})
		}
		all.Wait()
		if n := d.issued(); n != 1 {
			t.Errorf("%d tokens were issued", n)
		}
	})
}

// WxJava 1300: unconditional expiry on an auth error kills a pair that somebody just
// renewed.
func TestWxJava1300RejectionOfAnOldPair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := &fakeIssuer{}, &ticket.Memory{}
		a, b := d.cache(store), d.cache(store)
		old := get(t, a)
		get(t, b)
		time.Sleep(schedule.Refresh)
		get(t, b) // elected to renew it, served with the old one
		current := get(t, b)
		time.Sleep(schedule.Overlap)
		next, err := reject(t, a, old)
		if err != nil || next.Generation() != current.Generation() {
			t.Errorf("got generation %v, %v; want the one that was renewed", next, err)
		}
		if n := d.issued(); n != 2 {
			t.Errorf("%d tokens were issued, want 2", n)
		}
	})
}

// WxJava 369: a process-local lock over a shared store.
func TestWxJava369OneRenewalForAllInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := &fakeIssuer{takes: 100 * time.Millisecond}, &ticket.Memory{}
		var caches []*ticket.Cache
		for range 30 {
			caches = append(caches, d.cache(store))
		}
		for round := 1; round <= 3; round++ {
			var all sync.WaitGroup
			for _, c := range caches {
				for range 5 {
					all.Go(func() { get(t, c) })
				}
			}
			all.Wait()
			if n := d.issued(); n != round || d.most != 1 {
				t.Errorf("round %d: %d tokens were issued, up to %d at the same time", round, n, d.most)
			}
			time.Sleep(schedule.Refresh)
		}
	})
}

// azure-storage-fuse 1267: all instances renew in the same second, and again when they are
// refused.
func TestAzureStorageFuse1267NotAllInTheSameSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := &fakeIssuer{takes: 20 * time.Millisecond}, &ticket.Memory{}
		var caches []*ticket.Cache
		for range 30 {
			caches = append(caches, d.cache(store))
		}
		for _, c := range caches {
			get(t, c)
		}
		time.Sleep(schedule.Refresh) // due for all of them at once
		d.set(func(d *fakeIssuer) { d.failToken = errors.New("too many requests") })
		before := d.calls
		for range 10 * 60 { // a minute
			for _, c := range caches {
				get(t, c)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if calls := d.calls - before; calls < 3 || calls > 12 { // after 1, 2, 4, 8, 10, 10 … s
			t.Errorf("%d token calls in a minute by 30 instances that are refused", calls)
		}
		if d.most != 1 {
			t.Errorf("%d token calls at the same time", d.most)
		}
	})
}

// EasyWeChat 696, 390: an older answer written after a newer one.
func TestEasyWeChat696OlderAnswerAfterANewerOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, quick, store := &fakeIssuer{}, &fakeIssuer{tokens: 100}, &ticket.Memory{}
		a, b := slow.cache(stalledStore(store, beforePublish, 40*time.Second, nil)), quick.cache(store)
		var both sync.WaitGroup
		both.Go(func() { a.Renew(t.Context(), appID) }) // frozen past its lease
		time.Sleep(35 * time.Second)
		newer := get(t, b)
		both.Wait()
		if p := get(t, quick.cache(store)); p.Generation() != newer.Generation() {
			t.Errorf("the store has generation %d, want %d", p.Generation(), newer.Generation())
		}
		if p := get(t, a); p.Generation() != newer.Generation() {
			t.Errorf("the late one uses generation %d, want %d", p.Generation(), newer.Generation())
		}
	})
}

// chanxuehong: a failed early renewal throws away the still valid pair.
func TestChanxuehongFailedRenewalKeepsThePair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeIssuer{}
		c := d.cache(nil)
		p := get(t, c)
		d.set(func(d *fakeIssuer) { d.failToken = errors.New("down") })
		for range 35 { // until five minutes before its hard expiry
			time.Sleep(time.Minute)
			if got := get(t, c); got.Generation() != p.Generation() {
				t.Fatalf("generation %d, want %d", got.Generation(), p.Generation())
			}
		}
		d.set(func(d *fakeIssuer) { d.failToken = nil })
		time.Sleep(schedule.Overlap)
		get(t, c)
		if next := get(t, c); next.Generation() == p.Generation() {
			t.Error("not renewed once the issuer was back")
		}
	})
}

// Envoy 44674: an expired token injected while the issuer is down.
func TestEnvoy44674NoExpiredPair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeIssuer{}
		c := d.cache(nil)
		get(t, c)
		d.set(func(d *fakeIssuer) { d.failToken = errors.New("canary-free reason") })
		time.Sleep(time.Hour)
		p, renewal, err := c.Get(t.Context(), appID)
		renewal.Wait()
		var failure *ticket.Failure
		if p != nil || !errors.As(err, &failure) || failure.Reason != "canary-free reason" {
			t.Errorf("got %v, %v; want the failure", p, err)
		}
	})
}

// WxJava 324: expire first, fetch after: a hole.
func TestWxJava324NoHoleDuringARenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeIssuer{}
		c := d.cache(nil)
		get(t, c)
		time.Sleep(schedule.Refresh)
		d.set(func(d *fakeIssuer) { d.takes = 5 * time.Second })
		_, renewal, err := c.Get(t.Context(), appID)
		if err != nil || renewal == nil {
			t.Fatalf("nobody was elected: %v", err)
		}
		for range 9 {
			start := time.Now()
			if _, mine, err := c.Get(t.Context(), appID); err != nil || mine != nil || time.Since(start) > 0 {
				t.Fatalf("during the renewal a request waited %v: %v", time.Since(start), err)
			}
			time.Sleep(time.Second)
		}
		renewal.Wait()
	})
}

// The first caller's cancelled context fails everyone behind it.
func TestFirstCallersCancellationFailsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeIssuer{takes: time.Second}
		c := d.cache(nil)
		impatient, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			_, renewal, err := c.Get(impatient, appID)
			if !errors.Is(err, context.Canceled) || renewal == nil {
				t.Errorf("the impatient caller got %v, %v", renewal, err)
			}
			renewal.Wait()
		})
		synctest.Wait()
		all.Go(func() { get(t, c) })
		synctest.Wait()
		leave()
		all.Wait()
		if n := d.issued(); n != 1 {
			t.Errorf("%d tokens were issued", n)
		}
	})
}

// A hung fetch wedges the single flight for ever.
func TestHungFetchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeIssuer{hangs: true}
		c := d.cache(nil)
		start := time.Now()
		_, renewal, err := c.Get(t.Context(), appID)
		renewal.Wait()
		if err == nil || time.Since(start) > schedule.Overlap/2 {
			t.Fatalf("got %v after %v", err, time.Since(start))
		}
		d.set(func(d *fakeIssuer) { d.hangs = false })
		time.Sleep(time.Second)
		get(t, c)
	})
}

// expire_in below the overlap would have every request renew.
func TestTinyLifeDoesNotMintForEveryRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeIssuer{life: time.Second}
		c := d.cache(nil)
		for range 600 {
			get(t, c)
			time.Sleep(time.Second)
		}
		if n := d.issued(); n > 16 { // a life of one minute is renewed after 40 s
			t.Errorf("%d tokens in ten minutes", n)
		}
	})
}
