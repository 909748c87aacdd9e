package ticket

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// flight is a look at the store, and a renewal where one is due. It outlives the request that
// began it, but must not outlive the invocation: an instance may be frozen right after it.
// There is one at a time for an app, and everybody waits for the same.
type flight struct {
	done      chan struct{} // closed when it ended
	looked    chan struct{} // closed when the store was asked
	rejected  secret.Text   // the ticket whose rejection began it; empty: none
	onlyLooks bool          // it renews nothing, whatever is due

	// Set before looked is closed.
	unread error // the store's, where it could not be read

	// Set before done is closed.
	minted bool
	err    error
}

// Wait blocks until the flight ended, within its own time limit. A nil flight
// has ended.
func (f *flight) Wait() {
	if f != nil {
		<-f.done
	}
}

// join returns the flight in progress, or begins the given one.
func (a *app) join(ctx context.Context, f *flight) (joined *flight, begun bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.flight != nil {
		return a.flight, false
	}
	f.done, f.looked = make(chan struct{}), make(chan struct{})
	a.flight = f

	// It serves all who wait for it: the caller's going away does not end it, the
	// end of the caller's invocation does.
	limit := time.Now().Add(2 * a.schedule.lease())
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(limit) {
		limit = deadline
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), limit)
	go func() {
		defer cancel()
		defer a.land(f)
		f.minted, f.err = a.fly(ctx, f)
	}()
	return f, true
}

// land ends a flight. A panic in it is an error of those who wait, not the end of
// the process.
func (a *app) land(f *flight) {
	if r := recover(); r != nil {
		f.err = fmt.Errorf("ticket: renewal panicked (%T)", r)
		a.log.Error("ticket renewal panicked", "type", fmt.Sprintf("%T", r))
	}
	f.see()
	a.mu.Lock()
	a.flight = nil
	a.mu.Unlock()
	close(f.done)
}

// see closes looked, once.
func (f *flight) see() {
	select {
	case <-f.looked:
	default:
		close(f.looked)
	}
}

// await blocks until done is ready or ctx ended; where both are, done counts.
func await[T any](ctx context.Context, done <-chan T) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		select {
		case <-done:
			return nil
		default:
			return ctx.Err()
		}
	}
}

// fly looks at the store and does what the record there asks for, until this
// instance has a pair to use or knows why not. It reports whether it had one
// minted. A flight is the only writer of a.view.
func (a *app) fly(ctx context.Context, f *flight) (minted bool, err error) {
	holder, refusals := rand.Text(), 0
	for tries := 0; ; tries++ {
		v, r, err := a.load(ctx)
		if err != nil {
			f.unread = err
			f.see()
			if ctx.Err() != nil { // perhaps the store is well, and we were frozen
				return false, outOfTime(ctx.Err())
			}
			a.log.Warn("ticket store failed", "step", "read", "error", err.Error())
			if f.onlyLooks {
				return false, err
			}
			return a.alone(ctx, f.rejected)
		}
		a.skew = v.Now.Sub(a.wall())
		if r.Lease != nil && r.Lease.Holder == holder {
			r.Lease = nil // taken by a Swap whose answer was lost
		}
		unpublished := a.reconcile(&r)
		if r.clip(v.Now, a.schedule) {
			a.log.Warn("the ticket store's clock went back: what is due later than it can be does not count")
		}
		if p := a.pair(); p != nil && p.state(a.wall()) == Absent && v.Now.Before(r.Pair.Expires) {
			a.show(*r.Pair, p.source, p.solo) // one of the two clocks was set: the store's counts
		}
		f.see()
		if f.onlyLooks {
			return false, nil
		}

		switch a.schedule.decide(&r, v.Now, f.rejected) {
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
			return false, errDenied
		case failed:
			return false, a.failed(r.Failure)
		case renew:
			// Not done and no error: somebody else was faster, or the lease was lost.
			done, err := a.renew(ctx, v, r, holder, f.rejected)
			if !errors.Is(err, errNotTaken) {
				if done || err != nil {
					return done, err
				}
				break
			}
			// Perhaps it was taken all the same, and the answer was lost: another look tells.
			if refusals++; refusals == 2 || a.refuses {
				a.refuses = true
				return a.alone(ctx, f.rejected)
			}
		}
		if err := a.sleep(ctx, tries); err != nil {
			return false, outOfTime(err)
		}
	}
}

// errOutOfTime is that of a flight whose time limit ended.
var errOutOfTime = errors.New("ticket: out of time")

func outOfTime(err error) error {
	return &Failure{Reason: "no renewal within the time limit", Err: errors.Join(errOutOfTime, err)}
}

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
