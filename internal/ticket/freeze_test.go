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

// What an answer tells of the store's clock is no longer true after a freeze: believed, it
// would have the instance use a pair for as long as it was frozen past its end.
func TestFrozenWhileTheStoreAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := &fakeIssuer{}, &ticket.Memory{}
		get(t, d.cache(store))
		c := d.cache(stalledStore(store, afterLoad, 70*time.Minute, nil))
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
			c := d.cache(stalledStore(store, afterLoad, freeze, errors.New("connection reset")))
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
			_, renewal, _ := hung.cache(stalledStore(store, beforePublish, time.Hour, nil)).Get(t.Context(), appID)
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

// A token of its own that it could not publish ends the pair in use, whatever the record
// says of that by then: found by the model, docs/ticket-protocol.pml.
func TestFrozenHolderKnowsThatItsPairEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &ticket.Memory{}
		issuer := &fakeIssuer{}
		d := stalledStore(store, beforeTicket, 35*time.Second, errors.New("connection reset"))
		d.Issuer = issuer
		get(t, issuer.cache(store))
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
			_, renewal, _ := hung.cache(stalledStore(store, beforePublish, time.Hour, nil)).Get(t.Context(), appID)
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
