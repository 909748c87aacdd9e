package ticket

import (
	"context"
	"slices"
	"time"
)

// asksForToken checks that no other token call is in flight, and that the lease is in
// force.
func (n *node) asksForToken() {
	if n.holds != 0 && !n.storeTime().Before(n.until) {
		n.breaks("a token is asked for after the lease ended")
	}
	for _, o := range n.nodes {
		for _, c := range o.calls {
			if c.kind == "token" && !n.late && !o.late && !n.faults["lose"] && !n.faults["refuse"] && !n.faults["set"] {
				n.breaks("two token calls are in flight at once")
			}
		}
	}
}

// check checks a Swap that was done.
func (n *node) check(before, after record) {
	// A lease of before the clock was set back may count as ended.
	other := before.leased(n.storeTime()) && n.holds != n.version && !n.faults["set"]
	if before.Pair != nil && (after.Pair == nil || after.Pair.Generation < before.Pair.Generation) {
		n.breaks("the generation in the store went back")
	}
	if after.Lease != nil {
		if other && before.Lease.Holder != after.Lease.Holder {
			n.breaks("two leases are in force at once")
		}
		n.holds, n.until = n.version+1, after.Lease.Until
	}
	if after.Pair == nil || before.Pair != nil && before.Pair.Ticket.Equal(after.Pair.Ticket) {
		return
	}
	pair := number(after.Pair.Ticket.Reveal())
	if after.Lease == nil && (other || n.holds != 0 && n.holds != n.version) {
		n.breaks("a holder that lost its lease published")
	}
	if before.Pair != nil && n.newer(number(before.Pair.Ticket.Reveal()), pair) {
		n.breaks("a mint was published over a newer one")
	}
	if old := before.Pair; old != nil && time.Since(old.Minted) < 20*time.Minute+n.back &&
		!slices.ContainsFunc(after.Pair.Former, func(f former) bool { return f.Ticket.Equal(old.Ticket) }) {
		n.breaks("the ticket that was replaced is forgotten")
	}
	g := after.Pair.Generation
	n.generations[pair] = g
	for p, other := range n.generations {
		if p != pair && (g == other || g > other && n.newer(p, pair) || g < other && n.newer(pair, p)) {
			n.breaks("generations are not in the order of the mints")
		}
	}
}

// newer reports whether a token was asked for after another had been issued. Of two
// calls at once nobody but the upstream knows.
func (w *World) newer(token, than int) bool {
	return w.tokens[token-1].asked.After(w.tokens[than-1].at)
}

// begin has a request made.
func (n *node) begin(bad bool) {
	r := &request{bad: bad, since: len(n.tokens)}
	n.requests = append(n.requests, r)
	go func() {
		outcome := n.ask(r)
		n.mu.Lock()
		defer n.mu.Unlock()
		r.outcome = outcome
	}()
	n.goOn(0)
}

func (n *node) ask(r *request) string {
	try := func(p *Pair) (rejected bool, err error) {
		n.query(r, p)
		return !r.accepted, nil
	}
	var err error
	if n.c.Loop == "" {
		_, err = n.cache.Do(context.Background(), "app", try)
	} else {
		_, err = do(context.Background(), &brokenLoop{n.cache.apps["app"], n.c.Loop}, try)
	}
	if n.inFlight() != nil { // there is one request at a time
		n.mu.Lock()
		n.breaks("Do returned before a renewal that it began had ended")
		n.mu.Unlock()
	}
	switch {
	case err != nil:
		return err.Error()
	case !r.accepted:
		return "rejected"
	}
	return "accepted"
}

// query asks the upstream with a pair.
func (n *node) query(r *request, p *Pair) {
	n.mu.Lock()
	defer n.mu.Unlock()
	pair := number(p.Ticket.Reveal())
	if p.State(n.app.wall()) == Absent {
		n.breaks("an instance signed with a pair past its hard expiry")
	}
	if pair < n.seen {
		n.breaks("an instance signed with a pair older than one it has seen")
	}
	if r.renewed {
		n.breaks("a request was replayed although the pair renewed for it was rejected")
	}
	r.queries, r.accepted = r.queries+1, n.alive(pair) && !r.bad
	if !r.accepted {
		r.rejected = pair
		r.renewed = p.shared.Forced && n.tokens[pair-1].by == n && pair > r.since
		n.rejected++
		if len(n.faults) == 0 && !n.c.Bad {
			n.breaks("a query was rejected without a fault")
		}
	}
}

// Rest lets the run come to rest and checks what came out of it.
func (w *World) Rest() {
	w.refuses = false
	w.calm()
	for round := range 3 {
		w.goOn(61 * time.Second) // what is void is dead by now
		rejected := w.rejected
		for _, n := range w.nodes {
			if !n.dead {
				n.begin(false)
				w.calm()
			}
		}
		if round == 2 && w.rejected > rejected {
			w.breaks("at rest a query was rejected")
		}
	}
	minted, most := 0, 1 // the renewal
	for _, i := range w.tokens {
		if !i.foreign {
			minted++
		}
	}
	if !w.c.Cold {
		minted--
	}
	for fault := range w.faults {
		most += forced[fault]
	}
	if w.c.Bad {
		most++
	}
	if w.faults["refuse"] {
		most += 2 * len(w.nodes)
	}
	if minted < 1 && !w.faults["set"] || minted > most { // by a clock that went back nothing may be due
		w.breaks("%d mints, at most %d are forced", minted, most)
	}
	for _, n := range w.nodes {
		for _, r := range n.requests {
			want := "accepted"
			if r.bad {
				want = "rejected"
			}
			if !n.dead && r.outcome != want {
				w.breaks("a request ended: %s", r.outcome)
			}
		}
	}
}

// forced is how many mints a fault forces.
//   - crash: where the holder dies between its token and its publication, nobody knows
//     that token. Its successor mints.
//   - freeze: the successor mints while the holder is frozen past its lease. The token
//     that the holder asks for when it thaws voids that pair without replacing it, for
//     the holder cannot publish any more: a rejection forces another.
//   - lose: the same. The holder is not frozen, but its lease is gone.
//   - foreign: ours is void, and a rejection forces another.
//   - set: who held the lease counts as dead, and is not: as with a freeze.
//   - refuse: a holder that could not publish has a pair of its own, which voids that of
//     the others: each of them mints once upon a rejection, which voids the first, and
//     once more when the store takes writes again.
var forced = map[string]int{"crash": 1, "freeze": 2, "lose": 2, "foreign": 1, "set": 2}

// calm grants everything until nothing is under way.
func (w *World) calm() {
	for range 300 {
		busy := false
		for _, n := range w.nodes {
			n.frozen = time.Time{}
			for len(n.calls) > 0 {
				n.grant(0, true, nil)
			}
			busy = busy || !n.dead && (n.inFlight() != nil || !n.idle())
		}
		if !busy {
			return
		}
		w.goOn(time.Second)
	}
	w.breaks("the run does not come to rest")
}
