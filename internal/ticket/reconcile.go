package ticket

import (
	"context"
	"time"
)

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
	if local != nil {
		r.Pair.remember(local.share(), a.now(), a.schedule) // perhaps nobody else knows it
	}
	if local != nil && !local.solo && local.Ticket.Equal(r.Pair.Ticket) {
		r.Pair.endBy(local.shared.Expires) // perhaps only we know of the token that ends it
	}
	switch {
	case local == nil || !local.Ticket.Equal(r.Pair.Ticket):
		a.install(*r.Pair, Shared)
	case local.solo || !local.shared.same(r.Pair):
		a.install(*r.Pair, local.source)
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
	return local.shared.Generation > r.Generation
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
	}
	s.remember(before, a.now(), a.schedule)
	if local.solo {
		a.installSolo(*s, local.source)
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
	var recent []former
	for _, old := range s.Former {
		recent = append(recent, former{old.Token, old.Ticket, old.End.Add(-a.skew)})
	}
	p := &Pair{
		Token:   s.Token,
		Ticket:  s.Ticket,
		source:  source,
		shared:  s,
		solo:    solo,
		minted:  local(s.Minted),
		renew:   local(s.Renew),
		expires: local(s.Expires),
		former:  recent,
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
	a.install(*r.Pair, a.pair().source)
}
