package ticket

import "context"

// brokenLoop has Do's loop ask something else than it asks for.
type brokenLoop struct {
	*rotation
	how string
}

// The ways, for WorldConfig.Loop.
const (
	ForcesAMint  = "a rejection forces a mint, whatever the store has by then"
	ReplaysTwice = "a request is replayed once more after the renewal for it"
	DoesNotWait  = "Do returns before a renewal that it began has ended"
)

func (l *brokenLoop) get(ctx context.Context) (*Pair, *flight, error) {
	p, begun, err := l.rotation.get(ctx)
	if l.how == DoesNotWait {
		begun = nil
	}
	return p, begun, err
}

func (l *brokenLoop) reject(ctx context.Context, p *Pair) (*Pair, *flight, error) {
	switch l.how {
	case ForcesAMint:
		return l.force(ctx, p)
	case ReplaysTwice:
		if p.shared.Forced && l.current.Load().pair().is(p) {
			return p, nil, nil
		}
		next, begun, err := l.rotation.reject(ctx, p)
		if err == nil && next.source == Minted {
			next = &Pair{ // that does not look renewed for the request
				Token: next.Token, Ticket: next.Ticket, source: Shared,
				shared: next.shared, minted: next.minted, renew: next.renew, expires: next.expires,
			}
		}
		return next, begun, err
	}
	next, _, err := l.rotation.reject(ctx, p)
	return next, nil, err
}

// force rejects the store's pair in place of p.
func (l *brokenLoop) force(ctx context.Context, p *Pair) (*Pair, *flight, error) {
	a, rejected := l.current.Load(), p.Ticket
	if _, r, err := a.load(ctx); err == nil && r.Pair != nil {
		rejected = r.Pair.Ticket
	}
	f, _ := a.join(ctx, &flight{rejected: rejected})
	f.Wait()
	return a.pair(), nil, f.err
}
