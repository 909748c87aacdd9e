package main

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"kyc-ocr-relay/internal/gateway"
)

const (
	// A pair is due after refresh here, in place of 20 minutes. The relay's renewal has two fifths of the overlap
	// for its two calls, which must do at the smallest share.
	refresh = 3 * time.Second
	overlap = refresh - 100*time.Millisecond

	// call is how long the upstream takes for each: a renewal is two calls before a query, or beside it.
	call = 50 * time.Millisecond

	// kept is how long the upstream keeps a connection between two requests: in 20 minutes, too, it closes those that
	// are not used.
	kept = time.Second

	// timesDue is how often a pair becomes due in a round.
	timesDue = 2
)

// due measures the answer to a request that finds the pair due, for which both functions fetch another one, at the
// shares that are small.
func (b *bench) due() error {
	fmt.Printf("\nan answer of 1 KB when the pair is due, with an upstream that takes %d ms for each call\n", call.Milliseconds())
	u := &upstream{issues: call}
	server, roots, err := b.secure(u, kept)
	if err != nil {
		return err
	}
	defer server.Close()
	env := withRefresh(b.env())
	env["KYC_BASE_URL"], env["SSL_CERT_FILE"] = "https://"+server.Addr, roots
	for _, share := range shares[:2] {
		if err := b.underQuota("relay", share, env, func(relay *gateway.Event, _ time.Time) error {
			return b.underQuota("obvious", share, env, func(obvious *gateway.Event, _ time.Time) error {
				return b.renewals(share, map[string]*gateway.Event{"relay": relay, "obvious": obvious}, u)
			})
		}); err != nil {
			return err
		}
	}
	return nil
}

// withRefresh has a pair be due soon.
func withRefresh(env map[string]string) map[string]string {
	env = maps.Clone(env)
	env["TICKET_REFRESH"], env["TICKET_OVERLAP"] = refresh.String(), overlap.String()
	return env
}

// renewals measures functions that u serves alone, in turns.
func (b *bench) renewals(share int, functions map[string]*gateway.Event, u *upstream) error {
	// Pairs that are not issued at about the same time become so by an answer that does not count.
	align := func() error {
		time.Sleep(refresh)
		_, err := b.renewAll(functions, u, table{}, table{})
		return err
	}
	for range 2 { // the first answers take long
		if err := align(); err != nil {
			return err
		}
	}
	for _, use := range []struct {
		name string
		used bool
	}{{"in use", true}, {"idle until then", false}} {
		took, spent := table{}, table{}
		for missed := 0; len(took["relay"]) < timesDue*b.rounds; {
			if err := b.wait(functions, use.used); err != nil {
				return err
			}
			all, err := b.renewAll(functions, u, took, spent)
			if err != nil {
				return err
			}
			if all {
				continue
			}
			if missed++; missed > timesDue*b.rounds {
				return fmt.Errorf("%d %%: %w", share, errNotDue)
			}
			if err := align(); err != nil {
				return err
			}
		}
		atMost(0, took.median("relay")/took.median("obvious"), "%d %%: an instance %s (%.1f ms to %.1f ms; p99 %.1f ms to %.1f ms)", share, use.name,
			took.median("relay"), took.median("obvious"), took.p99("relay"), took.p99("obvious"))
		atMost(0, spent.ratio("relay", "obvious"), "%d %%: its processor time (%.1f ms to %.1f ms)", share, spent.median("relay"), spent.median("obvious"))
	}
	return nil
}

// renewAll has each function renew, and adds what that took if all did.
func (b *bench) renewAll(functions map[string]*gateway.Event, u *upstream, took, spent table) (all bool, err error) {
	all = true
	ms, processor := map[string]float64{}, map[string]float64{}
	for name, f := range functions { // in an order that changes
		ms[name], processor[name], err = b.renew(f, u)
		switch {
		case errors.Is(err, errNotDue):
			all = false
		case err != nil:
			return false, fmt.Errorf("%s: %w", name, err)
		}
	}
	if all {
		for name := range functions {
			took.add(name, ms[name])
			spent.add(name, processor[name])
		}
	}
	return all, nil
}

// errNotDue is that of a renewal that was none, as the one before it took too long on a busy machine.
var errNotDue = errors.New("the pair was not due")

// wait lets the pairs of functions become due. Where the functions are used, each of them has the connection of a
// query shortly before.
func (b *bench) wait(functions map[string]*gateway.Event, used bool) error {
	const before = kept * 3 / 4
	time.Sleep(refresh - before)
	if used {
		for name, f := range functions {
			if _, err := b.ask(f, "s1024"); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	time.Sleep(before)
	return nil
}

// renew asks a function whose pair is due, or which has none. It returns how long the answer took and its processor
// time, in milliseconds. It fails where another number of pairs than one was fetched from u for it.
func (b *bench) renew(f *gateway.Event, u *upstream) (took, spent float64, err error) {
	tokens, tickets := u.tokens.Load(), u.tickets.Load()
	before, err := cpu(f.Process().Pid)
	if err != nil {
		return 0, 0, err
	}
	took, err = b.ask(f, fmt.Sprintf("s1024d%d", call.Milliseconds()))
	if err != nil {
		return 0, 0, err
	}
	after, err := cpu(f.Process().Pid)
	if err != nil {
		return 0, 0, err
	}
	switch tokens, tickets = u.tokens.Load()-tokens, u.tickets.Load()-tickets; {
	case tokens == 0 && tickets == 0:
		return 0, 0, errNotDue
	case tokens != 1 || tickets != 1:
		return 0, 0, fmt.Errorf("fetched %d tokens and %d tickets for one answer", tokens, tickets)
	}
	return took, (after - before) / 1000, nil
}
