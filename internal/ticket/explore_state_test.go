package ticket

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"kyc-ocr-relay/internal/secret"
)

var seed = maphash.MakeSeed()

// Hash returns a digest of the state. Instances are interchangeable.
func (w *World) Hash() uint64 {
	var nodes [][]byte
	for _, n := range w.nodes {
		nodes = append(nodes, n.describe(nil))
	}
	slices.SortFunc(nodes, bytes.Compare)
	b := fmt.Append(nil, w.moment, w.stirred, w.second(time.Now()), w.version, w.faults, w.refuses)
	b = append(b, w.text(&w.record)...)
	for _, i := range w.tokens {
		b = fmt.Append(b, w.second(i.asked), w.second(i.at), i.foreign)
	}
	return maphash.Bytes(seed, append(append(b, '|'), bytes.Join(nodes, []byte{'|'})...))
}

// second is a moment in the state: the model's time comes in seconds, and all that
// happens within one takes some milliseconds.
func (w *World) second(t time.Time) int { return int(t.Sub(w.start) / time.Second) }

// text tells what is in a record, but for who holds the lease. Of generations the order
// matters.
func (w *World) text(r *record) string {
	b := []byte{}
	if p := r.Pair; p != nil {
		rank := 0
		for _, g := range w.generations {
			if g < p.Generation {
				rank++
			}
		}
		b = fmt.Append(b, "pair ", number(p.Ticket.Reveal()), rank, w.second(p.Renew), w.second(p.Expires), p.Forced, p.Row, p.Proved, p.Futile, p.Doubtful)
	}
	if p := r.Pending; p != nil {
		b = fmt.Append(b, "pending ", number(p.Token.Reveal()), w.second(p.Minted), r.Pair != nil && p.After == r.Pair.Generation)
	}
	if r.leased(w.storeTime()) {
		b = fmt.Append(b, "lease ", w.second(r.Lease.Until))
	}
	if f := r.Failure; f != nil {
		b = fmt.Append(b, "failure ", f.Count, w.second(f.Until), f.Reason)
	}
	return string(b)
}

// describe tells the state of an instance.
func (n *node) describe(b []byte) []byte {
	if n.dead {
		return append(b, "dead"...)
	}
	if !n.frozen.IsZero() {
		b = fmt.Append(b, "frozen ", n.second(n.frozen))
	}
	a := n.app
	b = fmt.Append(b, n.bad, n.late, a.clock, int(a.skew/time.Second), a.lastErr, a.refuses, a.forced, max(0, n.second(a.hold)))
	if a.failure != nil {
		b = fmt.Append(b, a.failure.Count, n.second(a.failure.Until))
	}
	if v := a.view.Load(); v != nil {
		p, look := v.pair, time.Unix(0, v.look).Add(-a.clock)
		next, ahead := 0, max(0, min(time.Until(look), 5*time.Second))
		for ahead > 0 && next < len(moments) && moments[next] < look.Sub(n.start) {
			next++
		}
		b = fmt.Append(b, "view ", number(p.Ticket.Reveal()), p.futile.Load(), p.proved.Load(), p.State(a.wall()), next, ahead.Round(time.Second),
			n.second(time.Unix(0, p.renew)), n.second(time.Unix(0, p.expires)), p.shared.Forced && p.Source() == Minted)
		if p.solo {
			b = fmt.Append(b, "solo ", p.shared.Generation, n.second(time.Unix(0, p.minted)))
		}
		if older := number(p.Ticket.Reveal()) < n.seen; older {
			b = fmt.Append(b, "seen ", n.seen)
		}
	}
	for _, c := range n.calls {
		deadline, _ := c.ctx.Deadline()
		b = fmt.Append(b, c.kind, c.done, c.ctx.Err() != nil, c.passes == n.passes, n.second(deadline))
	}
	for _, r := range n.requests {
		if b = append(b, r.outcome...); r.outcome == "" {
			b = fmt.Append(b, r.queries, r.rejected, r.accepted, r.renewed)
			if r.bad {
				b = fmt.Append(b, "bad since ", r.since)
			}
		}
	}
	if n.flight != nil {
		b = fmt.Append(b, "flight ", n.flight.rejected.Reveal(), n.second(n.begun), n.holds, n.refused)
		b = append(b, n.history...)
	}
	return b
}

// Stored is what a test may know of what a store holds.
type Stored struct {
	Generation     uint64
	Token, Ticket  string
	Minted         time.Time
	Forced, Futile bool
	Holder         string
	Until          time.Time // of the lease
}

// Open reads what a store holds for app.
func Open(app, appSecret string, v Value) (s Stored) {
	seal := newSeal(app, secret.New(appSecret))
	r, _ := seal.open(v.Version, v.Data)
	if p := r.Pair; p != nil {
		s = Stored{Generation: p.Generation, Token: p.Token.Reveal(), Ticket: p.Ticket.Reveal(), Minted: p.Minted, Forced: p.Forced, Futile: p.Futile}
	}
	if r.Lease != nil {
		s.Holder, s.Until = r.Lease.Holder, r.Lease.Until
	}
	return s
}
