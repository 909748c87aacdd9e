package ticket_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/store"
	"kyc-ocr-relay/internal/ticket"
)

// virtual is a store whose clock is the test's.
type virtual struct{ ticket.Store }

func (s virtual) Load(ctx context.Context, app string) (ticket.Value, error) {
	v, err := s.Store.Load(ctx, app)
	v.Now = time.Now().Round(0)
	return v, err
}

// onStores runs a test over a Memory and over a directory, each empty.
func onStores(t *testing.T, test func(t *testing.T, shared ticket.Store)) {
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, &ticket.Memory{}) })
	})
	t.Run("file", func(t *testing.T) {
		folder := "file://" + filepath.ToSlash(t.TempDir())
		synctest.Test(t, func(t *testing.T) {
			shared, err := store.Open("file", folder, nil)
			if err != nil {
				t.Fatal(err)
			}
			test(t, virtual{shared})
		})
	})
}

// knows reports whether c finds p's ticket.
func knows(t *testing.T, c *ticket.Cache, p *ticket.Pair) bool {
	t.Helper()
	found, err := c.Match(t.Context(), appID, func(token, ticket secret.Text) bool { return token.Equal(p.Token) && ticket.Equal(p.Ticket) })
	if err != nil {
		t.Errorf("Match: %v", err)
	}
	return found
}

// never is no ticket's check.
func never(_, _ secret.Text) bool { return false }

// A result that was signed a second before a renewal is known to an instance that starts after it,
// until it ended TICKET_REFRESH ago. No check has anything renewed.
func TestMatchKnowsThePreviousTicket(t *testing.T) {
	onStores(t, func(t *testing.T, shared ticket.Store) {
		d := &fakeIssuer{}
		a := d.cache(shared)
		first := get(t, a)
		time.Sleep(schedule.Refresh)
		get(t, a) // renews it
		second := get(t, a)
		if second.Generation() == first.Generation() {
			t.Fatal("not renewed")
		}
		started := d.cache(shared)
		if !knows(t, started, first) || !knows(t, started, second) {
			t.Error("an instance that has just started does not know the tickets")
		}
		time.Sleep(schedule.Overlap + schedule.Refresh - time.Nanosecond)
		for _, c := range []*ticket.Cache{a, started, d.cache(shared)} {
			if !knows(t, c, first) {
				t.Error("a ticket that ended less than TICKET_REFRESH ago is not known")
			}
		}
		time.Sleep(time.Nanosecond)
		for _, c := range []*ticket.Cache{a, started, d.cache(shared)} {
			if knows(t, c, first) || !knows(t, c, second) {
				t.Error("a ticket that ended TICKET_REFRESH ago is known, or the one in force is not")
			}
		}
		if n := d.issued(); n != 2 {
			t.Errorf("%d tokens were issued, want 2: checks renew nothing", n)
		}
		// With the next renewal the oldest leaves the record.
		get(t, a)
		third := get(t, a)
		if c := d.cache(shared); !knows(t, c, second) || !knows(t, c, third) || knows(t, c, first) {
			t.Error("after the next renewal")
		}
	})
}

// What another instance has renewed is known as soon as the store has it, whatever this one
// thinks of its own pair.
func TestMatchLooksForANewTicket(t *testing.T) {
	onStores(t, func(t *testing.T, shared ticket.Store) {
		d := &fakeIssuer{}
		a, b := d.cache(shared), d.cache(shared)
		first := get(t, a)
		get(t, b)
		second, err := reject(t, a, first)
		if err != nil {
			t.Fatal(err)
		}
		if !knows(t, b, second) || !knows(t, b, first) {
			t.Error("the renewed ticket is not known, or the one before")
		}
		if found, err := b.Match(t.Context(), appID, never); found || err != nil {
			t.Errorf("what no ticket matches: %v, %v", found, err)
		}
	})
}

// Where there is no pair at all one is fetched, once, also when it expired.
func TestMatchWithoutAPair(t *testing.T) {
	onStores(t, func(t *testing.T, shared ticket.Store) {
		d := &fakeIssuer{takes: time.Second}
		c := d.cache(shared)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if found, err := c.Match(t.Context(), appID, never); found || err != nil {
					t.Errorf("got %v, %v", found, err)
				}
			})
		}
		all.Wait()
		if n := d.issued(); n != 1 {
			t.Errorf("%d tokens were issued, want 1", n)
		}
		p := get(t, c)
		time.Sleep(time.Hour)
		if !knows(t, d.cache(shared), p) || d.issued() != 1 {
			t.Errorf("an expired ticket is not known; %d tokens", d.issued())
		}
		if found, err := d.cache(shared).Match(t.Context(), appID, never); found || err != nil || d.issued() != 2 {
			t.Errorf("with an expired pair: %v, %v; %d tokens", found, err, d.issued())
		}
		d.set(func(d *fakeIssuer) { d.failToken = errors.New("down") })
		time.Sleep(2 * time.Hour)
		if _, err := c.Match(t.Context(), appID, never); !errors.As(err, new(*ticket.Failure)) {
			t.Errorf("without a pair to be had: %v", err)
		}
		if _, err := c.Match(t.Context(), "other", never); !errors.Is(err, ticket.ErrUnknownApp) {
			t.Errorf("another app: %v", err)
		}
	})
}

// The tickets are tried newest first, and there are never more than a handful and the one in force.
func TestMatchIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, shared := &fakeIssuer{life: schedule.Overlap}, &ticket.Memory{} // due after two thirds of that
		c := d.cache(shared)
		var tickets []string
		p := get(t, c)
		for range 15 {
			tickets = append(tickets, p.Ticket.Reveal())
			time.Sleep(schedule.Overlap * 3 / 4)
			get(t, c)
			p = get(t, c)
		}
		tickets = append(tickets, p.Ticket.Reveal())
		slices.Reverse(tickets)
		for _, c := range []*ticket.Cache{c, d.cache(shared)} {
			var tried []string
			_, _ = c.Match(t.Context(), appID, func(_, ticket secret.Text) bool {
				tried = append(tried, ticket.Reveal())
				return len(tried) == 9
			})
			if !slices.Equal(tried, tickets[:9]) {
				t.Errorf("tried %q, want %q", tried, tickets[:9])
			}
		}
	})
}

// Without the store a check knows what the instance knows; what that is not is an error, for the
// store may know it. The pairs of the time without it are known to all once it is back.
func TestMatchWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, shared := &fakeIssuer{}, &brokenStore{Store: &ticket.Memory{}}
		warm, cold := d.cache(shared), d.cache(shared)
		first := get(t, warm)
		shared.set(true)
		if !knows(t, warm, first) {
			t.Error("a known ticket is not known without the store")
		}
		if found, err := warm.Match(t.Context(), appID, never); found || !errors.As(err, new(*ticket.Failure)) {
			t.Errorf("an unknown one: %v, %v", found, err)
		}
		if d.issued() != 1 {
			t.Errorf("%d tokens", d.issued())
		}
		time.Sleep(time.Second)
		alone := get(t, cold) // mints for itself
		shared.set(false)
		time.Sleep(schedule.Overlap)
		get(t, cold) // offers it
		last := get(t, cold)
		if last.Ticket.Reveal() != alone.Ticket.Reveal() || d.issued() != 2 {
			t.Fatalf("%d tokens", d.issued())
		}
		for _, c := range []*ticket.Cache{warm, cold, d.cache(shared)} {
			if !knows(t, c, first) || !knows(t, c, alone) {
				t.Error("after the outage a ticket is not known")
			}
		}
	})
}

// A ticket outlives the secret that it was issued for.
func TestMatchAfterTheSecretChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, shared := newTwoSecrets(), &ticket.Memory{}
		o.refuse(nil, refusal{})
		c := o.cache(shared, nil)
		first := get(t, c)
		o.refuse(refusal{}, nil)
		time.Sleep(5 * time.Minute)
		second, err := reject(t, c, first)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []*ticket.Cache{c, o.cache(shared, nil)} {
			if !knows(t, c, first) || !knows(t, c, second) {
				t.Error("a ticket of one of the two secrets is not known")
			}
		}
	})
}

// A look for a ticket renews nothing, and keeps nobody from it: who joins one goes on by himself.
func TestMatchDisturbsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeIssuer{}
		shared := &slowLoads{Store: &ticket.Memory{}}
		c := d.cache(shared)
		first := get(t, c)
		time.Sleep(schedule.Refresh)
		shared.takes = 100 * time.Millisecond
		var all sync.WaitGroup
		all.Go(func() { _, _ = c.Match(t.Context(), appID, never) })
		synctest.Wait()
		all.Go(func() {
			if renewed, err := c.Renew(t.Context(), appID); !renewed || err != nil {
				t.Errorf("Renew: %v, %v", renewed, err)
			}
		})
		all.Wait()
		if p := get(t, c); p.Generation() == first.Generation() || d.issued() != 2 {
			t.Errorf("%d tokens", d.issued())
		}
		// Many at once share their looks.
		shared.loads = 0
		for range 100 {
			all.Go(func() { _, _ = c.Match(t.Context(), appID, never) })
		}
		all.Wait()
		if shared.loads > 3 {
			t.Errorf("100 checks at once read the store %d times", shared.loads)
		}
		// A cold start beside a check whose store fails mints for itself.
		cold := d.cache(shared)
		shared.err = errors.New("down")
		all.Go(func() { _, _ = cold.Match(t.Context(), appID, never) })
		synctest.Wait()
		all.Go(func() { get(t, cold) })
		all.Wait()
	})
}

// slowLoads is a store that takes its time to read.
type slowLoads struct {
	ticket.Store
	mu    sync.Mutex
	takes time.Duration
	loads int
	err   error
}

func (s *slowLoads) Load(ctx context.Context, app string) (ticket.Value, error) {
	s.mu.Lock()
	s.loads++
	s.mu.Unlock()
	if err := sleep(ctx, s.takes); err != nil {
		return ticket.Value{}, err
	}
	v, err := s.Store.Load(ctx, app)
	return v, errors.Join(err, s.err)
}
