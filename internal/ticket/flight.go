package ticket

import (
	"context"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"time"
)

// fly looks at the store and does what the record there asks for, until this
// instance has a pair to use or knows why not. It reports whether it had one
// minted. A flight is the only writer of a.view.
func (a *app) fly(ctx context.Context, flight *Renewal) (minted bool, err error) {
	holder, refusals := rand.Text(), 0
	for tries := 0; ; tries++ {
		v, r, err := a.load(ctx)
		if err != nil {
			flight.see()
			if ctx.Err() != nil { // perhaps the store is well, and we were frozen
				return false, outOfTime(ctx.Err())
			}
			a.log.Warn("ticket store failed", "step", "read", "error", err.Error())
			return a.alone(ctx, flight.rejected)
		}
		a.skew = v.Now.Sub(a.wall())
		if r.Lease != nil && r.Lease.Holder == holder {
			r.Lease = nil // taken by a Swap whose answer was lost
		}
		unpublished := a.reconcile(&r)
		if r.clip(v.Now, a.schedule) {
			a.log.Warn("the ticket store's clock went back: what is due later than it can be does not count")
		}
		if p := a.pair(); p != nil && p.State(a.wall()) == Absent && v.Now.Before(r.Pair.Expires) {
			a.show(*r.Pair, p.Source, p.solo) // one of the two clocks was set: the store's counts
		}
		flight.see()

		switch a.schedule.decide(&r, v.Now, flight.rejected) {
		case use:
			if unpublished {
				a.publish(ctx, v, r)
			} else {
				a.rejoin()
				a.lookWhenDue()
			}
			return false, nil
		case later:
			a.lookLater(&r, v.Now)
			return false, nil
		case denied:
			return false, ErrDenied
		case failed:
			return false, a.failed(r.Failure)
		case renew:
			// Not done and no error: somebody else was faster, or the lease was lost.
			done, err := a.renew(ctx, v, r, holder, flight.rejected)
			if !errors.Is(err, errNotTaken) {
				if done || err != nil {
					return done, err
				}
				break
			}
			// Perhaps it was taken all the same, and the answer was lost: another look tells.
			if refusals++; refusals == 2 || a.refuses {
				a.refuses = true
				return a.alone(ctx, flight.rejected)
			}
		}
		if err := a.sleep(ctx, tries); err != nil {
			return false, outOfTime(err)
		}
	}
}

// reconcile brings this instance's pair and the record's together: the newer one
// counts, whatever the order of arrival. It reports whether that is ours, so
// that the store has yet to learn of it.
func (a *app) reconcile(r *record) (unpublished bool) {
	local := a.pair()
	switch {
	case local == nil && r.Pair == nil:
		return false
	case local != nil && (r.Pair == nil || a.isNewer(local, r.Pair)):
		r.Pair, r.Pending = a.offer(local, r.Pair), nil
		return true
	}
	r.settle(a.schedule.Overlap)
	if local != nil && !local.solo && local.Ticket.Equal(r.Pair.Ticket) {
		r.Pair.endBy(local.shared.Expires) // perhaps only we know of the token that ends it
	}
	switch {
	case local == nil || !local.Ticket.Equal(r.Pair.Ticket):
		a.install(*r.Pair, Shared)
	case local.solo || !local.shared.same(r.Pair):
		a.install(*r.Pair, local.Source)
	}
	return false
}

// isNewer reports whether this instance's pair is newer than the record's. One that
// was minted without the store is dated by our clock, which may have been wrong
// by minutes: now that the store's is known, its moment counts, not its generation.
func (a *app) isNewer(local *Pair, r *shared) bool {
	if local.solo {
		return !local.Ticket.Equal(r.Ticket) && a.storeTime(local.minted).After(r.Minted)
	}
	return local.Generation > r.Generation
}

// offer returns this instance's pair as the store should have it, as the successor of
// what the store has, if anything.
func (a *app) offer(local *Pair, before *shared) *shared {
	s := local.share()
	if local.solo {
		s.Minted, s.Renew, s.Expires = a.storeTime(local.minted), a.storeTime(local.renew), a.storeTime(local.expires)
		s.Generation = uint64(s.Minted.UnixMilli())
		if before != nil {
			s.Generation = max(s.Generation, before.Generation+1)
		}
		a.installSolo(*s, local.Source)
	}
	return s
}

// storeTime converts a moment by our clock.
func (a *app) storeTime(local int64) time.Time { return time.Unix(0, local).UTC().Add(a.skew) }

// share returns the pair as it is stored.
func (p *Pair) share() *shared {
	s := p.shared
	s.Futile, s.Proved = p.futile.Load(), p.proved.Load()
	return &s
}

// install makes s, which the store has, the pair of this instance.
func (a *app) install(s shared, source Source) { a.show(s, source, false) }

// installSolo makes s the pair of this instance, and has it offered to the store soon.
func (a *app) installSolo(s shared, source Source) {
	a.show(s, source, true)
	a.lookIn(a.schedule.again())
}

func (a *app) show(s shared, source Source, solo bool) {
	local := func(t time.Time) int64 { return t.Add(-a.skew).UnixNano() }
	p := &Pair{
		Generation: s.Generation,
		Token:      s.Token,
		Ticket:     s.Ticket,
		Source:     source,
		shared:     s,
		solo:       solo,
		minted:     local(s.Minted),
		renew:      local(s.Renew),
		expires:    local(s.Expires),
	}
	p.futile.Store(s.Futile)
	p.proved.Store(s.Proved)
	a.view.Store(&view{p, min(p.renew, p.expires)})
}

// lookWhenDue has this instance trust its pair until that is due.
func (a *app) lookWhenDue() {
	p := a.pair()
	a.view.Store(&view{p, min(p.renew, p.expires)})
}

// lookLater sets when this instance looks at the store again, while its pair serves
// and somebody renews it or failed to.
func (a *app) lookLater(r *record, now time.Time) {
	next := a.schedule.again()
	switch {
	case r.leased(now):
		next = min(next, r.Lease.Until.Sub(now))
	case r.failing(now):
		next = min(next, r.Failure.Until.Sub(now))
	}
	a.lookIn(next)
}

// lookIn sets when this instance looks at the store again.
func (a *app) lookIn(d time.Duration) {
	if p := a.pair(); p != nil {
		d = spread(d)
		a.view.Store(&view{p, min(a.wall().Add(d).UnixNano(), p.expires)})
	}
}

// publish stores the pair that this instance has and the store has not. Whoever
// holds the lease is not disturbed: he is about to publish a newer one.
func (a *app) publish(ctx context.Context, v Value, r record) {
	if r.leased(v.Now) {
		a.lookIn(a.schedule.again())
		return
	}
	r.Lease, r.Failure = nil, nil
	ok, err := a.write(ctx, v.Version, &r)
	if err != nil {
		a.log.Warn("ticket store failed", "step", "publish", "error", err.Error())
	}
	if !ok {
		a.lookIn(a.schedule.again())
		return
	}
	a.install(*r.Pair, a.pair().Source)
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

// errOutOfTime is that of a flight whose time limit ended.
var errOutOfTime = errors.New("ticket: out of time")

func outOfTime(err error) error {
	return &Failure{Reason: "no renewal within the time limit", Err: errors.Join(errOutOfTime, err)}
}

// errLate says that this instance was frozen while it asked the store: what the answer
// tells of the store's clock is no longer true, and an error says nothing about the store.
var errLate = errors.New("ticket: the store's answer came too late")

// load reads the record. One that cannot be read counts as none. It asks twice where the
// first answer came too late.
func (a *app) load(ctx context.Context) (Value, record, error) {
	s := a.seal()
	v, err := a.loadInTime(ctx, s.name)
	if errors.Is(err, errLate) {
		v, err = a.loadInTime(ctx, s.name)
	}
	if err != nil {
		return v, record{}, err
	}
	r, ok := s.open(v.Version, v.Data)
	if !ok {
		a.log.Warn("ticket record unreadable: it was tampered with, or written by another version", "version", v.Version)
	}
	return v, r, nil
}

// loadInTime keeps a Load to its time limit by the wall clock, too: that of ctx stands
// still while the instance is frozen.
func (a *app) loadInTime(ctx context.Context, name string) (Value, error) {
	if err := a.enter(ctx); err != nil {
		return Value{}, err
	}
	defer a.leave()
	limit, asked := a.schedule.storeCall(), a.wall()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	v, err := a.store.Load(ctx, name)
	if took := a.wall().Sub(asked); took > limit && err == nil || took > 2*limit {
		err = errLate
	}
	return v, err
}

// swap writes the record as the version after the given one, if that is the newest.
func (a *app) swap(ctx context.Context, version uint64, r *record) (bool, error) {
	if err := a.enter(ctx); err != nil {
		return false, err
	}
	defer a.leave()
	limit, asked := a.schedule.storeCall(), a.wall()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	s := a.seal()
	ok, err := a.store.Swap(ctx, s.name, version, s.close(version+1, r))
	if err != nil && a.wall().Sub(asked) > 2*limit {
		err = errLate
	}
	return ok, err
}

// write is swap, for a flight.
func (a *app) write(ctx context.Context, version uint64, r *record) (bool, error) {
	ok, err := a.swap(ctx, version, r)
	if ok && err == nil {
		a.rejoin()
	}
	return ok, err
}

// rejoin ends the time without the store.
func (a *app) rejoin() { a.refuses, a.forced, a.hold = false, 0, time.Time{} }

// enter waits until a call of the store can begin: its time limit begins only then, for a
// queue of our own says nothing about the store. The error is that of ctx.
func (a *app) enter(ctx context.Context) error {
	select {
	case a.slots <- struct{}{}: // also where ctx ended: whether the call still begins is not for chance
		return nil
	default:
	}
	select {
	case a.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *app) leave() { <-a.slots }

// sleep waits for another instance: short at first, then longer.
func (a *app) sleep(ctx context.Context, tries int) error {
	timer := time.NewTimer(spread(min(50*time.Millisecond<<min(tries, 3), a.schedule.lease()/8)))
	defer timer.Stop()
	return await(ctx, timer.C)
}

// spread lengthens d by up to a fifth, so that instances do not march in step.
func spread(d time.Duration) time.Duration {
	return d + mathrand.N(max(d, 0)/5+1) // #nosec G404 -- keeps instances out of step, and no secret
}
