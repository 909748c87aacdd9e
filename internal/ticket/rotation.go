package ticket

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// rotation is an app with the secret in use, and perhaps the one to go over to. Changing
// the secret at the vendor voids what was issued for the old one and has it refused: that
// is how an instance learns which of two is good. Each has a register of its own in the
// store, so that instances which use the one do not disturb those which use the other.
type rotation struct {
	current atomic.Pointer[app]
	first   *app
	second  *app // nil: none
}

func newRotation(first, second *app) *rotation {
	r := &rotation{first: first, second: second}
	r.current.Store(first)
	return r
}

// use has f do something with the secret in use. Where the upstream refuses that one, it
// has f do it with the other, which is in use from then on if it is accepted. Renewals of
// the refused one have ended by then.
func (r *rotation) use(f func(*app) (*Pair, *flight, error)) (*Pair, *flight, error) {
	a := r.current.Load()
	pair, renewal, err := f(a)
	if r.second == nil || !isRefused(err) {
		return pair, renewal, err
	}
	other := r.second
	if a == other {
		other = r.first
	}
	pair, renewal, err = f(other)
	if err == nil && r.current.CompareAndSwap(a, other) {
		other.log.Warn("secret refused: the app's other one is in use", "second", other == r.second)
	}
	return pair, renewal, err
}

// isRefused reports whether err says that the upstream does not accept the secret: the
// Issuer's error, or what became of it here or in another instance.
func isRefused(err error) bool {
	var f *Failure
	if errors.As(err, &f) {
		return f.Refused
	}
	var refusal interface{ Refused() bool }
	return errors.As(err, &refusal) && refusal.Refused()
}

// get returns a pair to sign with. A fresh one costs an atomic load.
func (r *rotation) get(ctx context.Context) (*Pair, *flight, error) {
	if p := r.current.Load().cached(); p != nil {
		return p, nil, nil
	}
	return r.use(func(a *app) (*Pair, *flight, error) { return a.get(ctx) })
}

// reject reports that the upstream rejected p, and returns another pair to ask with
// once more. Where somebody has renewed it already that one is returned; an
// unchanged one is renewed, unless that was done too recently to help (errDenied).
func (r *rotation) reject(ctx context.Context, p *Pair) (*Pair, *flight, error) {
	return r.use(func(a *app) (*Pair, *flight, error) { return a.reject(ctx, p) })
}

// futile notes that p, which reject returned, was rejected as well. It slows down
// what further rejections can cause.
func (r *rotation) futile(ctx context.Context, p *Pair) {
	if p.shared.Forced && !p.futile.Swap(true) {
		r.current.Load().mark(ctx, p, func(s *shared) { s.Futile = true })
	}
}

// prove notes that p, which was minted upon a rejection, was accepted by the request that
// was rejected before: the next one starts a new row.
func (r *rotation) prove(ctx context.Context, p *Pair) {
	if !p.shared.Proved && !p.proved.Swap(true) {
		r.current.Load().mark(ctx, p, func(s *shared) { s.Proved = true })
	}
}

// status tells what this instance knows.
func (r *rotation) status() Status {
	a := r.current.Load()
	now, p := a.wall(), a.pair()
	state := p.state(now)
	if state == Absent {
		return Status{State: Absent}
	}
	return Status{State: state, Age: time.Duration(now.UnixNano() - p.minted), Source: p.source}
}
