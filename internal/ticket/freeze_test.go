package ticket_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
)

// thawing is the way to the store of an instance that is frozen once, after the store
// answered a Load and before it has the answer.
type thawing struct {
	ticket.Store
	freeze time.Duration
	err    error // of the Load that it is frozen in
}

func (s *thawing) Load(ctx context.Context, app string) (ticket.Value, error) {
	v, err := s.Store.Load(ctx, app)
	if s.freeze > 0 {
		time.Sleep(s.freeze) // it does not see its context end
		s.freeze, err = 0, s.err
	}
	return v, err
}

// What an answer tells of the store's clock is no longer true after a freeze: believed, it
// would have the instance use a pair for as long as it was frozen past its end.
func TestFrozenWhileTheStoreAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := &fakeIssuer{}, &ticket.Memory{}
		get(t, d.cache(store))
		c := d.cache(&thawing{Store: store, freeze: 70 * time.Minute})
		if p := get(t, c); p.State(time.Now()) != ticket.Fresh || d.issued() != 2 {
			t.Errorf("a pair that is %s, with %d tokens issued: want one of its own, the other ended", p.State(time.Now()), d.issued())
		}
	})
}

// Nor does an error after a freeze say that the store is away: who believes it has a pair
// minted that voids everybody's.
func TestFrozenWhileTheStoreDoesNotAnswer(t *testing.T) {
	for _, freeze := range []time.Duration{10 * time.Second, 3 * time.Minute} { // within the flight's time limit, and not
		synctest.Test(t, func(t *testing.T) {
			d, store := &fakeIssuer{}, &ticket.Memory{}
			want := get(t, d.cache(store))
			c := d.cache(&thawing{Store: store, freeze: freeze, err: errors.New("connection reset")})
			if p := get(t, c); p.Generation() != want.Generation() || d.issued() != 1 {
				t.Errorf("frozen for %v: generation %d, want %d; %d tokens", freeze, p.Generation(), want.Generation(), d.issued())
			}
		})
	}
}

// A flight ends with the invocation that began it. Who waits for it and has more time goes
// on with another.
func TestFirstCallersTimeLimitFailsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung, store := &fakeIssuer{hangs: true}, &ticket.Memory{}
		var holder, others sync.WaitGroup
		holder.Go(func() { // holds the lease and never ends
			_, renewal, _ := hung.cache(&slowStore{Store: store, publishes: time.Hour}).Get(t.Context(), appID)
			renewal.Wait()
		})
		synctest.Wait()
		d := &fakeIssuer{}
		c := d.cache(store)
		hasty, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		others.Go(func() {
			_, renewal, err := c.Get(hasty, appID)
			renewal.Wait()
			if err == nil {
				t.Error("got a pair within the lease of another")
			}
		})
		synctest.Wait()
		others.Go(func() { get(t, c) })
		others.Wait()
		if n := d.issued(); n != 1 {
			t.Errorf("%d tokens were issued", n)
		}
		holder.Wait()
	})
}

// stuck is an issuer whose ticket calls are frozen, and then fail.
type stuck struct {
	*fakeIssuer
	freeze time.Duration
}

func (s *stuck) Ticket(context.Context, secret.Text) (secret.Credential, error) {
	time.Sleep(s.freeze)
	return secret.Credential{}, errors.New("connection reset")
}

// A token of its own that it could not publish ends the pair in use, whatever the record
// says of that by then: found by the model, docs/ticket-protocol.pml.
func TestFrozenHolderKnowsThatItsPairEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &ticket.Memory{}
		d := &stuck{fakeIssuer: &fakeIssuer{}, freeze: 35 * time.Second}
		get(t, d.fakeIssuer.cache(store))
		c := ticket.New(ticket.Config{
			Apps:     map[string]ticket.App{appID: {Issuer: d, Secret: secret.New("canary-secret")}},
			Store:    store,
			Schedule: schedule,
		})
		get(t, c)
		time.Sleep(schedule.Refresh)
		start := time.Now()
		_, frozen, err := c.Get(t.Context(), appID) // has the token issued, and is frozen
		if err != nil || frozen == nil {
			t.Fatal(frozen, err)
		}
		time.Sleep(schedule.Overlap/2 + time.Second)
		hung := &fakeIssuer{hangs: true}
		var holder sync.WaitGroup
		holder.Go(func() { // takes the lease, and never ends
			_, renewal, _ := hung.cache(&slowStore{Store: store, publishes: time.Hour}).Get(t.Context(), appID)
			renewal.Wait()
		})
		frozen.Wait()
		time.Sleep(time.Until(start.Add(schedule.Overlap + time.Second)))
		if s := c.Status(appID); s.State != ticket.Absent {
			t.Errorf("a pair that is %s, a minute after a newer token was issued", s.State)
		}
		holder.Wait()
	})
}
