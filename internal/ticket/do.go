package ticket

import (
	"context"
	"errors"
)

// Outcome is how an app's pair served a request.
type Outcome string

// The outcomes. A request whose first pair was accepted has that pair's State as its
// outcome: Fresh, Stale, or Absent where there was none and it had to be fetched first.
const (
	Rejected Outcome = "rejected" // the upstream rejects whatever it is asked with: another renewal would not help
	Replaced Outcome = "replaced" // the pair was rejected, another instance had renewed it
	Renewed  Outcome = "renewed"  // the pair was rejected, and renewed for this request
)

// Do has try ask the upstream with the app's pair, whose ticket or token try reveals only
// where it signs or sends it. Where the upstream rejects the pair, try asks again with the
// one that another instance has renewed, with one renewed for this request, or first with
// the one and then with the other; a pair that was renewed too recently to be void is not
// renewed again. After Rejected it was try's last answer that was rejected.
//
// Do blocks until the renewals it began have ended, also after an error: the instance
// may be frozen as soon as its invocation has ended. Its errors are try's, *Failure
// where there is no pair, ErrUnknownApp, and that of ctx.
func (c *Cache) Do(ctx context.Context, appID string, try func(*Pair) (rejected bool, err error)) (Outcome, error) {
	r := c.apps[appID]
	if r == nil {
		return Outcome(Absent), ErrUnknownApp
	}
	return do(ctx, r, try)
}

// pairs is what Do needs of an app: a rotation, but for tests of the loop.
type pairs interface {
	status() Status
	get(context.Context) (*Pair, *flight, error)
	reject(context.Context, *Pair) (*Pair, *flight, error)
	futile(context.Context, *Pair)
	prove(context.Context, *Pair)
}

func do(ctx context.Context, app pairs, try func(*Pair) (rejected bool, err error)) (Outcome, error) {
	outcome := Outcome(app.status().State)
	pair, begun, err := app.get(ctx)
	defer begun.Wait()
	if err != nil {
		return outcome, err
	}
	rejected, err := try(pair)
	for range 2 {
		if err != nil || !rejected {
			break
		}
		outcome = Rejected
		next, begun, rejection := app.reject(ctx, pair)
		defer begun.Wait()
		if errors.Is(rejection, errDenied) {
			break // the fault is not the pair's
		}
		if rejection != nil {
			return outcome, rejection
		}
		if rejected, err = try(next); err != nil {
			break
		}
		if renewed := next.shared.Forced && next.source == Minted; renewed {
			if rejected {
				app.futile(ctx, next)
			} else {
				outcome = Renewed
				app.prove(ctx, next)
			}
			break
		}
		outcome, pair = Replaced, next
	}
	return outcome, err
}
