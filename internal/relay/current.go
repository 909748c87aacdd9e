package relay

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

// lookPause is between two looks for another secret while the upstream refuses the one in
// use: short enough to be back at once, long enough for the secrets manager's quota.
const lookPause = time.Second

// SettingsError says that there is no Relay, as one could not be built.
type SettingsError struct{ Err error }

func (e *SettingsError) Error() string { return e.Err.Error() }
func (e *SettingsError) Unwrap() error { return e.Err }

// Current is the Relay of the settings in force. It builds the first when a request wants
// one, because the platform may deliver the environment with it, and tries again with the
// next as long as that fails. It is safe for concurrent use.
type Current struct {
	open func(context.Context) (*Relay, error)
	log  *slog.Logger

	turn   chan struct{} // held while the Relay is replaced; who waits for it also waits for its context
	looked time.Time     // when a look for another secret was last taken, by the wall clock; of whoever holds turn
	relay  atomic.Pointer[Relay]
}

// NewCurrent returns a Current whose Relays open returns. The errors of open are shown to
// every caller: they say what is wrong with the settings, and hold no value of them.
func NewCurrent(open func(context.Context) (*Relay, error), log *slog.Logger) *Current {
	return &Current{open: open, log: log, turn: make(chan struct{}, 1)}
}

// Serving returns the Relay that serves, without a look whether the settings have changed.
// Errors are *SettingsError and that of ctx.
func (c *Current) Serving(ctx context.Context) (*Relay, error) {
	if r := c.relay.Load(); r != nil {
		return r, nil
	}
	return c.replacing(ctx, nil)
}

// Get is Serving with that look. Where the settings have changed and those there are now
// are of no use, the old ones go on serving.
func (c *Current) Get(ctx context.Context) (*Relay, error) {
	r := c.relay.Load()
	if r != nil && (r.Stale == nil || !r.Stale(ctx, false)) {
		return r, nil
	}
	return c.replacing(ctx, r)
}

// replacing returns another Relay than old, or old where none can be built.
func (c *Current) replacing(ctx context.Context, old *Relay) (*Relay, error) {
	if err := c.enter(ctx); err != nil {
		if old != nil {
			return old, nil
		}
		return nil, err
	}
	defer c.leave()
	if r := c.relay.Load(); r != old {
		return r, nil
	}
	r, err := c.replace(ctx, old)
	if r == nil {
		return nil, &SettingsError{err}
	}
	return r, nil
}

// Ask is r.Ask; see Act.
func (c *Current) Ask(ctx context.Context, r *Relay, q upstream.Query, t *upstream.Trace) (*upstream.Answer, error) {
	return c.Act(ctx, r, q.AppID, func(r *Relay) (*upstream.Answer, error) { return r.Ask(ctx, q, t) })
}

// Act has act ask the upstream for an app with r. Where the upstream does not accept what the
// app has, its secret may have been replaced: then act asks with the Relay that has the new
// one, once.
func (c *Current) Act(ctx context.Context, r *Relay, app string, act func(*Relay) (*upstream.Answer, error)) (*upstream.Answer, error) {
	answer, err := act(r)
	if !refused(answer, err) {
		return answer, err
	}
	next := c.successor(ctx, r)
	if next == nil || !slices.Contains(next.Apps, app) {
		return answer, err
	}
	return act(next)
}

// refused reports whether the upstream accepts neither the app's secret nor, as far as
// that was tried, what it had issued for it.
func refused(answer *upstream.Answer, err error) bool {
	if err == nil {
		return answer.Class == upstream.Rejected
	}
	var f *ticket.Failure
	return errors.As(err, &f) && f.Refused || isRejection(err)
}

// successor returns the Relay to ask in place of r, whose credential the upstream refuses:
// the one that has replaced it, or one built now if what r was built from has changed, and
// nil where neither is so. One request looks, those that are refused meanwhile wait for it.
func (c *Current) successor(ctx context.Context, r *Relay) *Relay {
	if r.Stale == nil || c.enter(ctx) != nil {
		return nil
	}
	defer c.leave()
	if current := c.relay.Load(); current != r {
		return current
	}
	if ago := time.Now().Round(0).Sub(c.looked); ago >= 0 && ago < lookPause {
		return nil
	}
	changed := r.Stale(ctx, true)
	if ctx.Err() == nil { // else the look may have ended with its request: the next one looks
		c.looked = time.Now().Round(0)
	}
	if !changed {
		return nil
	}
	next, err := c.replace(ctx, r)
	if err != nil {
		return nil
	}
	return next
}

// replace builds a Relay in place of old. Where that fails it returns old, which goes on,
// if there is one. The caller holds turn.
func (c *Current) replace(ctx context.Context, old *Relay) (*Relay, error) {
	r, err := c.open(ctx)
	if err != nil {
		if old != nil {
			c.log.Error("configuration", "error", "InternalError.Configuration", "detail", err.Error())
		}
		return old, err
	}
	if old != nil {
		c.log.Info("settings changed")
	}
	c.relay.Store(r)
	return r, nil
}

func (c *Current) enter(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Current) leave() { <-c.turn }
