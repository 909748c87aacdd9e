package ticket_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
)

// A server that asks again when its time is over never holds a pair that has ended, whenever it
// came and whoever renews.
func TestLoanEndsBeforeThePair(t *testing.T) {
	onStores(t, func(t *testing.T, shared ticket.Store) {
		d := &fakeIssuer{}
		a, b := d.cache(shared), d.cache(shared)
		get(t, a)
		for at := time.Duration(0); at < 2*schedule.Refresh; at += schedule.Refresh/40 + time.Second {
			loan, err := a.Lend(t.Context(), appID)
			if err != nil || loan.Left < schedule.Overlap/2 || loan.Left > schedule.Refresh || loan.Age+loan.Left > schedule.Refresh+schedule.Overlap/2 {
				t.Fatalf("after %v: %v left of a pair %v old, %v", at, loan.Left, loan.Age, err)
			}
			if loan.Token.IsEmpty() || loan.Ticket.IsEmpty() {
				t.Fatal("an empty pair")
			}
			time.Sleep(schedule.Refresh/40 + time.Second)
			get(t, b)
		}
		if n := d.issued(); n != 3 {
			t.Errorf("%d tokens were issued, want 3: nobody's asking renews", n)
		}
	})
}

// A pair that is due is renewed before it is lent; where that fails it is lent for a little.
func TestLoanOfAPairThatIsDue(t *testing.T) {
	onStores(t, func(t *testing.T, shared ticket.Store) {
		d := &fakeIssuer{}
		c := d.cache(shared)
		first := get(t, c)
		time.Sleep(schedule.Refresh)
		loan, err := c.Lend(t.Context(), appID)
		if err != nil || loan.Token.Equal(first.Token) || loan.Left != schedule.Refresh {
			t.Errorf("%v left, %v", loan.Left, err)
		}
		time.Sleep(schedule.Refresh)
		d.failToken = errors.New("away")
		second := loan
		if loan, err = c.Lend(t.Context(), appID); err != nil || !loan.Token.Equal(second.Token) || loan.Left != schedule.Overlap/2 {
			t.Errorf("without an upstream: %v left, %v", loan.Left, err)
		}
	})
	if _, err := (&fakeIssuer{}).cache(nil).Lend(t.Context(), "other"); !errors.Is(err, ticket.ErrUnknownApp) {
		t.Errorf("of an unknown app: %v", err)
	}
}

// Only the pair in force is renewed upon a server's word, and not again too soon.
func TestRotate(t *testing.T) {
	onStores(t, func(t *testing.T, shared ticket.Store) {
		d := &fakeIssuer{}
		c := d.cache(shared)
		first := get(t, c)
		rotate := func(value secret.Text, renewed bool) ticket.Loan {
			t.Helper()
			before := d.issued()
			loan, err := c.Rotate(t.Context(), appID, value)
			if err != nil || d.issued()-before != map[bool]int{true: 1}[renewed] {
				t.Errorf("%d tokens, %v", d.issued()-before, err)
			}
			return loan
		}
		rotate(secret.New("something else"), false)
		second := rotate(first.Token, true)
		rotate(first.Token, false)
		rotate(first.Ticket, false)
		rotate(second.Ticket, false) // too young to have been voided
		time.Sleep(schedule.Overlap)
		if third := rotate(second.Ticket, true); third.Ticket.Equal(second.Ticket) || third.Left != schedule.Refresh {
			t.Errorf("%v left", third.Left)
		}
	})
}

// Who has to prove who it is by a token or a sign has nothing fetched, and is known to every instance
// as soon as the store has the pair, whoever renewed it and when.
func TestKnows(t *testing.T) {
	onStores(t, func(t *testing.T, shared ticket.Store) {
		d := &fakeIssuer{}
		a, b := d.cache(shared), d.cache(shared)
		if a.Knows(t.Context(), appID, func(_, _ secret.Text) bool { return true }) || d.issued() != 0 {
			t.Error("a pair was fetched")
		}
		is := func(p *ticket.Pair) func(token, ticket secret.Text) bool {
			return func(token, _ secret.Text) bool { return token.Equal(p.Token) }
		}
		first := get(t, a)
		if !a.Knows(t.Context(), appID, is(first)) || !b.Knows(t.Context(), appID, is(first)) {
			t.Error("the pair in force is not known")
		}
		second, err := reject(t, a, first)
		if err != nil {
			t.Fatal(err)
		}
		if !a.Knows(t.Context(), appID, is(first)) || !b.Knows(t.Context(), appID, is(second)) {
			t.Error("the previous pair is not known, or one that was renewed before its time")
		}
		time.Sleep(schedule.Refresh)
		if b.Knows(t.Context(), appID, func(_, _ secret.Text) bool { return false }) {
			t.Error("of nobody")
		}
		get(t, a) // renews it
		if third := get(t, a); !b.Knows(t.Context(), appID, is(third)) {
			t.Error("a pair that was renewed right after a stranger came is not known")
		}
		if a.Knows(t.Context(), "other", is(first)) {
			t.Error("of an unknown app")
		}
	})
}

// A crowd of strangers has the store asked once a second.
func TestStrangersHaveTheStoreAskedSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &brokenStore{Store: &ticket.Memory{}}
		c := (&fakeIssuer{}).cache(store)
		get(t, c)
		before := store.loads
		for range 100 {
			c.Knows(t.Context(), appID, func(_, _ secret.Text) bool { return false })
			time.Sleep(100 * time.Millisecond)
		}
		if n := store.loads - before; n != 10 {
			t.Errorf("the store was asked %d times in 10 s", n)
		}
	})
}
