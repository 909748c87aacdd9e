package ticket

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// view is what an instance knows about an app, published as one.
type view struct {
	pair *Pair
	look int64 // wall clock: when to look at the store again; never after the pair's expiry
}

// app is the state of one app, with one secret, in this instance.
type app struct {
	id       string
	issuer   Issuer
	store    Store
	slots    chan struct{} // held during a call of the store, of all apps
	schedule Schedule
	log      *slog.Logger
	seal     func() seal   // made at first use
	clock    time.Duration // by how much a test lets this instance's clock be wrong

	view     atomic.Pointer[view]
	stranger atomic.Int64 // wall clock: when it last looked at the store for somebody unknown

	mu     sync.Mutex
	flight *flight // nil: none

	// Of the flight alone.
	skew    time.Duration // store's clock minus ours, as last seen
	lastErr error         // of the last renewal that failed here

	// Of the flight alone, without the store.
	refuses bool      // it took no write when it was last asked to
	failure *failure  // of the last renewal, if it failed
	pending *pending  // a token whose ticket could not be had
	forced  int       // mints upon a rejection in a row
	hold    time.Time // by the store's clock: no other such mint before
}

// cached returns the pair that this instance may use without a look at the store.
func (a *app) cached() *Pair {
	if v := a.view.Load(); v != nil && time.Now().UnixNano()+int64(a.clock) < v.look {
		return v.pair
	}
	return nil
}

// get returns a pair to sign with, where there is none cached. One caller is elected to renew a stale
// one: that caller gets the flight, and must Wait for it before its invocation ends, also after
// an error. Where there is no pair get blocks until there is one, the renewal failed
// (*Failure) or ctx ended.
func (a *app) get(ctx context.Context) (*Pair, *flight, error) {
	for {
		f, begun := a.join(ctx, &flight{})
		var mine *flight
		if begun {
			mine = f
		}
		now := a.wall()
		p := a.pair()
		if p.state(now) == Stale && now.UnixNano() >= p.renew+int64(a.schedule.Overlap/2) {
			// Had others renewed it, it would be dead by now: look first.
			if err := await(ctx, f.looked); err != nil {
				return nil, mine, err
			}
			p = a.pair()
		}
		if p.state(now) == Stale && p.shared.Doubtful {
			// Perhaps it is void: better a new one, if that can be had soon.
			patience, cancel := context.WithTimeout(ctx, a.schedule.storeCall())
			_ = await(patience, f.done)
			cancel()
			if err := ctx.Err(); err != nil {
				return nil, mine, err
			}
			p = a.pair()
		}
		if p.state(a.wall()) != Absent {
			return p, mine, nil
		}
		if err := await(ctx, f.done); err != nil {
			return nil, mine, err
		}
		if p = a.pair(); p.state(a.wall()) != Absent {
			return p, mine, nil
		}
		if f.err != nil && !f.onlyLooks && !errors.Is(f.err, errOutOfTime) {
			return nil, mine, f.err
		}
		if err := ctx.Err(); err != nil {
			return nil, mine, err
		}
		// The pair expired while the flight was on its way; or it did not renew; or its time ended,
		// which may have been that of another caller.
	}
}

// errDenied is that of reject where another renewal would not help: the pair is too young to
// have been voided, so the fault is in the request.
var errDenied = errors.New("ticket: renewed too recently to be renewed upon a rejection")

// reject returns another pair than p, which the upstream rejected, whichever secret that was
// of. The flight is as with get.
func (a *app) reject(ctx context.Context, p *Pair) (*Pair, *flight, error) {
	for {
		if current := a.pair(); current.state(a.wall()) != Absent && !current.is(p) {
			return current, nil, nil
		}
		f, begun := a.join(ctx, &flight{rejected: p.Ticket})
		var mine *flight
		if begun {
			mine = f
		}
		if err := await(ctx, f.done); err != nil {
			return nil, mine, err
		}
		if current := a.pair(); current.state(a.wall()) != Absent && !current.is(p) {
			return current, mine, nil
		}
		if f.rejected.Equal(p.Ticket) && f.err != nil && !errors.Is(f.err, errOutOfTime) {
			return nil, mine, f.err
		}
		if err := ctx.Err(); err != nil {
			return nil, mine, err
		}
		// A renewal that did not know of the rejection: now one that does. Or as with Get.
	}
}

// renewDue renews the pair if that is due, and reports whether it did.
func (a *app) renewDue(ctx context.Context) (renewed bool, err error) {
	if a.cached() != nil {
		return false, nil
	}
	for {
		f, _ := a.join(ctx, &flight{})
		f.Wait()
		if !f.onlyLooks {
			return f.minted, f.err
		}
	}
}

// mark tells the others what p came to; never while somebody holds the lease, whose
// publication it would spoil.
func (a *app) mark(ctx context.Context, p *Pair, set func(*shared)) {
	v, r, err := a.load(ctx)
	if err != nil {
		return
	}
	if r.Lease == nil && r.Pair != nil && r.Pair.Ticket.Equal(p.Ticket) {
		set(r.Pair)
		if _, err := a.swap(ctx, v.Version, &r); err != nil {
			a.log.Warn("ticket store failed", "step", "mark", "error", err.Error())
		}
	}
}

// wall is this instance's wall clock, without a monotonic reading.
func (a *app) wall() time.Time { return time.Now().Add(a.clock).Round(0) }

func (a *app) pair() *Pair {
	if v := a.view.Load(); v != nil {
		return v.pair
	}
	return nil
}
