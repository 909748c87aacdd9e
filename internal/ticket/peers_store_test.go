package ticket_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/ticket"
)

// More bugs of other token caches, each a test named after it: those of a store that fails, and of
// locks that outlive their holder.

// silenceper 762: the store down, every request mints, and the quota is burnt.
func TestSilenceper762StoreDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := &fakeIssuer{}, &brokenStore{Store: &ticket.Memory{}}
		warm, cold := d.cache(store), d.cache(store)
		p := get(t, warm)
		store.set(true)
		time.Sleep(schedule.Refresh + time.Minute)
		for range 500 {
			get(t, warm) // due, but a mint would void the others' pair
			time.Sleep(time.Second)
		}
		if n := d.issued(); n != 1 {
			t.Errorf("%d tokens were issued by an instance with a valid pair", n)
		}
		for range 500 {
			get(t, cold)
			time.Sleep(time.Second)
		}
		if n := d.issued(); n != 2 {
			t.Errorf("%d tokens were issued, want one for the instance without a pair", n-1)
		}
		store.set(false)
		time.Sleep(schedule.Overlap)
		get(t, cold) // offers its own to the store
		own := get(t, cold)
		get(t, warm)
		if got := get(t, warm); got.Generation() != own.Generation() || got.Generation() == p.Generation() {
			t.Errorf("after the outage: generation %d, the one minted meanwhile is %d", got.Generation(), own.Generation())
		}
	})
}

// An unpublished renewal: the store fails between the mint and its publication.
func TestStoreFailsBeforePublishing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := &fakeIssuer{takes: time.Second}, &brokenStore{Store: &ticket.Memory{}}
		a, b := d.cache(store), d.cache(store)
		get(t, b)
		time.Sleep(schedule.Refresh)
		_, renewal, err := a.Get(t.Context(), appID)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		store.set(true)
		renewal.Wait()
		p := get(t, a)
		store.set(false)
		time.Sleep(20 * time.Second)
		get(t, a)
		if got, err := reject(t, b, get(t, b)); err != nil || got.Generation() < p.Generation() {
			t.Errorf("the others got %v, %v; want the pair minted by the one that could not publish", got, err)
		}
		if n := d.issued(); n != 2 {
			t.Errorf("%d tokens were issued, want 2", n)
		}
	})
}

// Powertools 1038: in-progress marks that outlive a timed-out function.
func TestPowertools1038LeaseEndsWithTheInvocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung, fine, store := &fakeIssuer{hangs: true}, &fakeIssuer{}, &ticket.Memory{}
		a, b := hung.cache(stalledStore(store, beforePublish, time.Hour, nil)), fine.cache(store)
		dies, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		go a.Get(dies, appID) // is killed at its deadline, holding the lease
		synctest.Wait()
		start := time.Now()
		get(t, b)
		if took := time.Since(start); took > 12*time.Second {
			t.Errorf("the next one waited %v for the lease of a function with 3 s", took)
		}
		time.Sleep(time.Hour) // for the dead one's call to end
	})
}
