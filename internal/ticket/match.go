package ticket

import (
	"context"
	"errors"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// Match reports whether matches returns true for a pair that the app has or had: it calls
// matches with the one in force and with those that ended within the last Schedule.Refresh, newest
// first, until it returns true; with some of them twice where none matches. The vendor signs with
// the app's ticket what it gives to a front end, and a renewal may come between that and its check
// (cloud.tencent.com document 1007/35897).
//
// A pair that this instance does not know is looked for in the store. Match has no pair renewed,
// but where there is none at all: then as Do would. It blocks until what it began has ended. Its
// errors are ErrUnknownApp, *Failure and that of ctx; with an error, nothing is known of what
// did not match. Of a pair that an older version of the function has stored, the token is empty.
func (c *Cache) Match(ctx context.Context, appID string, matches func(token, ticket secret.Text) bool) (bool, error) {
	r := c.apps[appID]
	if r == nil {
		return false, ErrUnknownApp
	}
	for _, a := range r.both() {
		if a.match(matches) {
			return true, nil
		}
	}
	var unread error
	for _, a := range r.both() {
		if err := a.look(ctx); err != nil {
			unread = errors.Join(unread, err)
		}
		if a.match(matches) {
			return true, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if r.status().State == Absent {
		pair, begun, err := r.get(ctx)
		defer begun.Wait()
		if err != nil {
			return false, err
		}
		if matches(pair.Token, pair.Ticket) {
			return true, nil
		}
	}
	if unread != nil {
		return false, &Failure{Reason: "the ticket store could not be read", Err: unread}
	}
	return false, nil
}

// Knows is Match for somebody who has yet to prove who it is: no pair is fetched, and the store is
// asked where this instance would ask it anyway, because its pair is due or it has none. Else
// another instance may have renewed the pair before its time: so the store is asked all the
// same, but no more often than once in a strangersPause.
func (c *Cache) Knows(ctx context.Context, appID string, matches func(token, ticket secret.Text) bool) bool {
	r := c.apps[appID]
	if r == nil {
		return false
	}
	for _, a := range r.both() {
		if a.match(matches) {
			return true
		}
	}
	for _, a := range r.both() {
		if a == r.current.Load() && a.cached() == nil || a.letStrangerLook() {
			_ = a.look(ctx) // what it finds counts
		}
		if a.match(matches) {
			return true
		}
	}
	return false
}

// strangersPause is between two looks at the store on behalf of nobody known: short enough for a
// server that is refused and tries again, long enough for what a store charges.
const strangersPause = time.Second

// letStrangerLook reports whether a strangersPause has passed since it last did so.
func (a *app) letStrangerLook() bool {
	now, last := a.wall().UnixNano(), a.stranger.Load()
	if ago := now - last; ago >= 0 && ago < int64(strangersPause) { // less than 0: the clock was set
		return false
	}
	return a.stranger.CompareAndSwap(last, now)
}

// both returns the app with the secret in use, and with the other, if there is one: a ticket
// outlives the change of the secret that it was issued for.
func (r *rotation) both() []*app {
	current := r.current.Load()
	switch {
	case r.second == nil:
		return []*app{current}
	case current == r.second:
		return []*app{current, r.first}
	}
	return []*app{current, r.second}
}

// match has matches try the tickets that this instance knows.
func (a *app) match(matches func(token, ticket secret.Text) bool) bool {
	p, now := a.pair(), a.wall()
	if p == nil {
		return false
	}
	if a.schedule.isRecent(time.Unix(0, p.expires), now) && matches(p.Token, p.Ticket) {
		return true
	}
	for _, old := range p.former {
		if a.schedule.isRecent(old.End, now) && matches(old.Token, old.Ticket) {
			return true
		}
	}
	return false
}

// look has this instance know what the store has now, but for what is written meanwhile. The
// error says that the store could not be read, or is that of ctx.
func (a *app) look(ctx context.Context) error {
	for again := false; ; again = true {
		f, begun := a.join(ctx, &flight{onlyLooks: true})
		if begun {
			f.Wait()
		} else if err := await(ctx, f.done); err != nil {
			return err
		}
		if begun || again { // else it may have looked before we came
			return f.unread
		}
	}
}
