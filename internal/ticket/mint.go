package ticket

import (
	"context"
	"errors"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// errNotTaken says that the store did not take the lease, or that its answer was lost. It
// is not a lost race.
var errNotTaken = errors.New("ticket: the store took no lease")

// errFrozen says that the lease ended before the upstream was asked: the instance
// was frozen meanwhile.
var errFrozen = errors.New("ticket: the lease ended")

// renew takes the lease on r, which is version v of the record, has a pair minted
// and publishes it. It reports whether it did; if not, and without an error,
// the record has moved on.
func (a *app) renew(ctx context.Context, v Value, r record, holder string, rejected secret.Text) (bool, error) {
	work := a.schedule.work()
	margin := a.schedule.lease() - work
	if deadline, ok := ctx.Deadline(); ok {
		// The invocation may end before the lease would: let the lease end with it.
		work = min(work, time.Until(deadline)-margin/10)
	}
	if err := ctx.Err(); err != nil {
		return false, outOfTime(err)
	}
	if work <= 0 {
		return false, &Failure{Reason: "no time left for a renewal", Err: context.DeadlineExceeded}
	}
	start := time.Now()
	r.Lease = &lease{holder, v.Now.Add(work + margin)}
	if ok, err := a.write(ctx, v.Version, &r); !ok {
		switch {
		case err == nil || errors.Is(err, errLate):
			return false, nil
		case ctx.Err() != nil:
			return false, outOfTime(ctx.Err())
		}
		a.log.Warn("ticket store failed", "step", "lease", "error", err.Error())
		return false, errNotTaken
	}

	minting, cancel := context.WithDeadline(ctx, start.Add(work))
	pair, err := a.mint(minting, &r, rejected)
	cancel()
	if errors.Is(err, errFrozen) {
		return false, nil
	}
	late := !a.now().Before(r.Lease.Until)
	r.Lease = nil
	if err != nil {
		var failed error
		if late { // we were frozen, which is no reason for anybody to wait: look again
			a.settle(&r)
		} else {
			a.note(&r, err)
			failed = a.failed(r.Failure)
		}
		if _, err := a.write(ctx, v.Version+1, &r); err != nil {
			a.log.Warn("ticket store failed", "step", "release", "error", err.Error())
		}
		return false, failed
	}
	r.Pair, r.Pending, r.Failure = pair, nil, nil
	ok, err := a.write(ctx, v.Version+1, &r)
	if err == nil && !ok {
		a.log.Warn("ticket lease lost", "ms", time.Since(start).Milliseconds())
		return false, nil
	}
	if err != nil {
		// Perhaps nobody knows of it but us. It is the newest: use it, and publish soon.
		a.log.Warn("ticket store failed", "step", "publish", "error", err.Error())
		a.installSolo(*pair, Minted)
	} else {
		a.install(*pair, Minted)
	}
	a.logMinted(pair, start)
	return true, nil
}

// alone does without the store, which cannot be read or takes no writes. A valid pair goes
// on serving, due or not: a mint would void what the others have. Without one this instance has a pair minted for
// itself, under the same ceiling, and offers it when the store is back.
func (a *app) alone(ctx context.Context, rejected secret.Text) (bool, error) {
	now := a.now()
	r := record{Failure: a.failure, Pending: a.pending}
	if p := a.pair(); p != nil {
		r.Pair = p.share()
		if !p.Ticket.Equal(rejected) && now.Before(r.Pair.Expires) {
			a.lookIn(a.schedule.again())
			return false, nil
		}
	}
	switch a.schedule.decide(&r, now, rejected) {
	case denied:
		return false, errDenied
	case failed:
		return false, a.failed(r.Failure)
	}
	if unwanted := r.Pair != nil && r.Pair.Ticket.Equal(rejected); unwanted && now.Before(a.hold) {
		return false, &Failure{Reason: "voided by another instance while the store is away: not renewed again so soon"}
	}
	start := time.Now()
	minting, cancel := context.WithTimeout(ctx, a.schedule.work())
	defer cancel()
	pair, err := a.mint(minting, &r, rejected)
	if err != nil {
		a.note(&r, err)
		a.failure, a.pending = r.Failure, r.Pending
		return false, a.failed(r.Failure)
	}
	a.failure, a.pending = nil, nil
	if pair.Forced {
		a.forced++
		a.hold = pair.Minted.Add(a.schedule.solitude(a.forced))
		pair.Row = 1 // in a row with those of the record it says nothing
	}
	a.installSolo(*pair, Minted)
	a.logMinted(pair, start)
	return true, nil
}

// mint has a pair issued, for the record r that this instance holds the lease of.
// Where the token is issued and its ticket is not, the token stays in r as pending.
func (a *app) mint(ctx context.Context, r *record, rejected secret.Text) (*shared, error) {
	s := &shared{}
	if r.Pair != nil {
		s.Generation = r.Pair.Generation
		if s.Forced = r.Pair.Ticket.Equal(rejected); s.Forced {
			s.Row = 1
			if r.Pair.Forced && !r.Pair.Proved {
				s.Row += r.Pair.Row
			}
		}
	}
	p := r.Pending
	if p == nil || p.After != s.Generation || a.now().Sub(p.Minted) >= a.schedule.Overlap {
		asked := a.now()
		if r.Lease != nil && !asked.Before(r.Lease.Until) {
			return nil, errFrozen
		}
		token, err := a.issuer.Token(ctx)
		if err != nil {
			if isLost(err) {
				r.Pair.doubt(asked.Add(a.schedule.Overlap))
			}
			return nil, err
		}
		p = &pending{Token: token.Value, Minted: asked, Life: token.Life, After: s.Generation}
		r.Pending = p
	}
	ticket, err := a.issuer.Ticket(ctx, p.Token)
	if err != nil {
		return nil, err
	}
	// A life below the overlap contradicts what the upstream promises, and would
	// have every request renew.
	life := max(min(p.Life, ticket.Life), a.schedule.Overlap)
	s.Generation = max(s.Generation+1, uint64(p.Minted.UnixMilli()))
	s.Token, s.Ticket = p.Token, ticket.Value
	s.Minted, s.Renew, s.Expires = p.Minted, p.Minted.Add(min(a.schedule.Refresh, life*2/3)), p.Minted.Add(life)
	s.remember(r.Pair, a.now(), a.schedule)
	return s, nil
}

// isLost reports whether a token may have been issued although the call failed.
func isLost(err error) bool {
	var lost interface{ Lost() bool }
	return errors.As(err, &lost) && lost.Lost()
}

// now is the store's clock, as far as this instance knows it.
func (a *app) now() time.Time { return a.wall().Add(a.skew) }

func (a *app) logMinted(s *shared, start time.Time) {
	a.log.Info("ticket renewed", "generation", s.Generation, "forced", s.Forced, "ms", time.Since(start).Milliseconds())
}

// note writes into r that a renewal failed, so that nobody tries again at once.
func (a *app) note(r *record, err error) {
	a.lastErr = err
	count := 1
	if r.Failure != nil {
		count = r.Failure.Count + 1
	}
	backoff := a.schedule.backoff(count)
	r.Failure = &failure{Count: count, Until: a.now().Add(backoff), Reason: err.Error(), Refused: isRefused(err)}
	a.settle(r)
	a.lookIn(backoff)
	a.log.Warn("ticket renewal failed", "error", r.Failure.Reason, "failures", count, "retry_ms", backoff.Milliseconds())
}

// settle ends the pair in use, here too, where r has a newer token pending.
func (a *app) settle(r *record) {
	r.settle(a.schedule.Overlap)
	if p := a.pair(); p != nil && r.Pair != nil && p.Ticket.Equal(r.Pair.Ticket) && !p.shared.same(r.Pair) {
		a.show(*r.Pair, p.source, p.solo)
	}
}

// failed is the error of a renewal that failed here or elsewhere.
func (a *app) failed(f *failure) error {
	err := &Failure{Reason: f.Reason, Refused: f.Refused}
	if a.lastErr != nil && a.lastErr.Error() == f.Reason {
		err.Err = a.lastErr
	}
	return err
}
