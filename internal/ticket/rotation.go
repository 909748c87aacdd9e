package ticket

import (
	"errors"
	"sync/atomic"
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
func (r *rotation) use(f func(*app) (*Pair, *Renewal, error)) (*Pair, *Renewal, error) {
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
