package ticket_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/oauth2"

	"kyc-ocr-relay/internal/ticket"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStatesAtTheirBoundaries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeIssuer{}
		c := d.cache(nil)
		p := get(t, c)
		issued := time.Now()
		for _, at := range []struct {
			moment time.Duration
			want   ticket.State
		}{
			{0, ticket.Fresh},
			{schedule.Refresh - 1, ticket.Fresh},
			{schedule.Refresh, ticket.Stale},
			{time.Hour - 1, ticket.Stale},
			{time.Hour, ticket.Absent},
		} {
			if got := p.State(issued.Add(at.moment)); got != at.want {
				t.Errorf("%v after its issue a pair is %v, want %v", at.moment, got, at.want)
			}
		}
		if s := c.Status(appID); s != (ticket.Status{State: ticket.Fresh, Source: ticket.Minted}) {
			t.Errorf("status %+v", s)
		}
		time.Sleep(time.Hour)
		if s := c.Status(appID); s != (ticket.Status{State: ticket.Absent}) {
			t.Errorf("status %+v", s)
		}
	})
}

func TestSourceTellsWhoMinted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := &fakeIssuer{}, &ticket.Memory{}
		a, b := d.cache(store), d.cache(store)
		if got := get(t, a).Source(); got != ticket.Minted {
			t.Errorf("the one that minted says %v", got)
		}
		if got := get(t, b).Source(); got != ticket.Shared {
			t.Errorf("the other one says %v", got)
		}
	})
}

// The default time-out fits into the default lease; one that does not is told.
func TestLeaseArithmetic(t *testing.T) {
	for _, test := range []struct {
		call, overlap time.Duration
		want          bool
	}{
		{5 * time.Second, time.Minute, true},
		{12 * time.Second, time.Minute, true},
		{12*time.Second + 1, time.Minute, false},
		{5 * time.Second, 2 * time.Second, false},
	} {
		s := ticket.Schedule{Refresh: 20 * time.Minute, Overlap: test.overlap}
		if got := s.Fits(test.call); got != test.want {
			t.Errorf("calls of %v in an overlap of %v: %v", test.call, test.overlap, got)
		}
	}
}

func TestUnknownApp(t *testing.T) {
	c := (&fakeIssuer{}).cache(nil)
	if outcome, err := c.Do(t.Context(), "other", nil); outcome != ticket.Outcome(ticket.Absent) || !errors.Is(err, ticket.ErrUnknownApp) {
		t.Errorf("Do: %v, %v", outcome, err)
	}
	if _, err := c.Renew(t.Context(), "other"); !errors.Is(err, ticket.ErrUnknownApp) {
		t.Errorf("Renew: %v", err)
	}
}

// A rejection renews once; then only as far as the ceiling lets it.
func TestCeilingOnMintsUponRejection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeIssuer{}
		c := d.cache(nil)
		first := get(t, c)
		second, err := reject(t, c, first)
		if err != nil || second.Generation() <= first.Generation() || !second.Forced() {
			t.Fatalf("the first rejection: %v, %v", second, err)
		}
		time.Sleep(schedule.Overlap - time.Second)
		if _, err := reject(t, c, second); !errors.Is(err, ticket.ErrDenied) {
			t.Errorf("a pair too young to have been voided: %v", err)
		}
		time.Sleep(time.Second)
		third, err := reject(t, c, second)
		if err != nil {
			t.Fatalf("a pair old enough to have been voided: %v", err)
		}
		c.Futile(t.Context(), appID, third)
		time.Sleep(schedule.Refresh/2 - time.Second)
		if _, err := reject(t, c, third); !errors.Is(err, ticket.ErrDenied) {
			t.Errorf("after a futile one: %v", err)
		}
		time.Sleep(time.Second)
		if _, err := reject(t, c, third); err != nil {
			t.Errorf("half a refresh after a futile one: %v", err)
		}
		if n := d.issued(); n != 4 {
			t.Errorf("%d tokens were issued, want 4", n)
		}
	})
}

// The others learn that a renewal was futile.
func TestFutilityIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := &fakeIssuer{}, &ticket.Memory{}
		a, b := d.cache(store), d.cache(store)
		forced, err := reject(t, a, get(t, a))
		if err != nil {
			t.Fatal(err)
		}
		a.Futile(t.Context(), appID, forced)
		time.Sleep(2 * schedule.Overlap)
		if _, err := reject(t, b, get(t, b)); !errors.Is(err, ticket.ErrDenied) {
			t.Errorf("another instance: %v", err)
		}
	})
}

// A flood of requests that are rejected for another reason: one mint, however many
// instances and requests.
func TestFloodOfRejections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := &fakeIssuer{takes: 50 * time.Millisecond}, &ticket.Memory{}
		var all sync.WaitGroup
		for range 5 {
			c := d.cache(store)
			for range 200 {
				all.Go(func() {
					outcome, err := c.Do(t.Context(), appID, func(*ticket.Pair) (rejected bool, err error) { return true, nil })
					if err != nil || outcome != ticket.Rejected {
						t.Errorf("Do: %v, %v", outcome, err)
					}
				})
			}
		}
		all.Wait()
		if n := d.issued(); n > 2 {
			t.Errorf("1000 rejected requests minted %d tokens more", n-1)
		}
	})
}

// A token whose ticket cannot be had is not issued anew for every try: that would end
// the pair in use at once.
func TestTicketCallFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeIssuer{}
		c := d.cache(nil)
		p := get(t, c)
		time.Sleep(schedule.Refresh)
		d.set(func(d *fakeIssuer) { d.failTicket = errors.New("down") })
		for range 50 {
			if got := get(t, c); got.Generation() != p.Generation() {
				t.Fatal("another pair")
			}
			time.Sleep(time.Second)
		}
		if n := d.issued(); n != 2 {
			t.Errorf("%d tokens were issued within a minute, want one for the renewal", n-1)
		}
		d.set(func(d *fakeIssuer) { d.failTicket = nil })
		time.Sleep(9 * time.Second)
		get(t, c) // the last second of the pair in use
		if got := get(t, c); got.Generation() == p.Generation() {
			t.Error("a pair is used after the end that the pending token set it")
		}
		if n := d.issued(); n != 2 {
			t.Errorf("the pending token was not used: %d were issued", n)
		}
	})
}

// Failures are remembered for all, and the pauses between tries grow.
func TestBackoffIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := &fakeIssuer{failToken: errors.New("refused")}, &ticket.Memory{}
		a, b := d.cache(store), d.cache(store)
		for range 600 {
			for _, c := range []*ticket.Cache{a, b} {
				_, renewal, err := c.Get(t.Context(), appID)
				renewal.Wait()
				if failure := new(ticket.Failure); !errors.As(err, &failure) || failure.Reason != "refused" {
					t.Fatalf("got %v", err)
				}
			}
			time.Sleep(time.Second)
		}
		// After 0, 1, 3, 7 and 15 s, then every 10 s.
		if d.calls < 58 || d.calls > 64 {
			t.Errorf("%d tries in ten minutes of two requests a second", d.calls)
		}
	})
}

// A deadline in the past, and a caller without patience.
func TestGetHonoursItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := (&fakeIssuer{takes: time.Minute}).cache(nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, renewal, err := c.Get(ctx, appID)
		if !errors.Is(err, context.DeadlineExceeded) && !errors.As(err, new(*ticket.Failure)) || time.Since(start) > time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
		renewal.Wait()
	})
}

func TestWarmHit(t *testing.T) {
	store := &brokenStore{Store: &ticket.Memory{}}
	c := (&fakeIssuer{}).cache(store)
	get(t, c)
	before := store.loads
	if n := testing.AllocsPerRun(1000, func() { c.Get(t.Context(), appID) }); n != 0 {
		t.Errorf("a warm hit allocates %v times", n)
	}
	if store.loads != before {
		t.Errorf("1000 warm hits asked the store %d times", store.loads-before)
	}
}

// BenchmarkGet is a warm hit, beside the cache of golang.org/x/oauth2.
func BenchmarkGet(b *testing.B) {
	c := (&fakeIssuer{}).cache(nil)
	if _, renewal, err := c.Get(b.Context(), appID); err != nil {
		b.Fatal(err)
	} else {
		renewal.Wait()
	}
	ctx := b.Context()
	reuse := oauth2.ReuseTokenSource(&oauth2.Token{AccessToken: "x", Expiry: time.Now().Add(time.Hour)}, nil)
	for _, side := range []struct {
		name string
		hit  func() error
	}{
		{"ticket", func() error { _, _, err := c.Get(ctx, appID); return err }},
		{"oauth2", func() error { _, err := reuse.Token(); return err }},
	} {
		b.Run(side.name+"/one", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := side.hit(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(side.name+"/all", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := side.hit(); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
