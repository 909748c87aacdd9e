package ticket

import (
	"context"
	"errors"
	"time"
)

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
