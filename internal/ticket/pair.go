// Package ticket keeps the one access token and SIGN ticket that the upstream
// grants an app, for all instances of the function.
//
// The upstream's rules (cloud.tencent.com document 1007): one pair an app for all
// servers, renewed about every 20 minutes, never twice at once; once a newer one
// was issued the previous one lives one more minute. A pair therefore is one
// unit with its generation, its renewal time and its hard expiry, and instances
// share it through a Store.
package ticket

import (
	"context"
	"sync/atomic"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// Issuer is the upstream's side of one app. Its errors must be fit for the log. One that
// has a method Refused() bool and returns true says that the secret is not accepted; one
// of Token that has a method Lost() bool and returns true, that a token may have been
// issued all the same.
type Issuer interface {
	// Token issues a new access token: the previous one now has one more minute.
	Token(context.Context) (secret.Credential, error)
	// Ticket issues the SIGN ticket that belongs to token.
	Ticket(ctx context.Context, token secret.Text) (secret.Credential, error)
}

// State is what a pair is good for at some moment.
type State string

// The states.
const (
	Fresh  State = "fresh"  // in use, not due
	Stale  State = "stale"  // in use, due for renewal
	Absent State = "absent" // none, or past its hard expiry
)

// Source is where this instance has a pair from.
type Source string

// The sources.
const (
	Minted Source = "minted" // this instance had it issued
	Shared Source = "shared" // another instance did, and the store had it
)

// Pair is a token and the SIGN ticket that was issued with it. It is immutable but
// for futile and proved.
type Pair struct {
	Token  secret.Text
	Ticket secret.Text

	source Source
	shared shared
	solo   bool // the store does not know it yet
	// Moments by this instance's wall clock, Unix nanoseconds. Never monotonic
	// time: that stands still while an instance is frozen.
	minted, renew, expires int64
	former                 []former // as in shared, by this clock

	// Of a pair that was minted because of a rejection: rejected again; accepted.
	futile, proved atomic.Bool
}

// state returns the state at now. At the very moment of renewal a pair is stale,
// at that of its expiry absent.
func (p *Pair) state(now time.Time) State {
	switch t := now.UnixNano(); {
	case p == nil || t >= p.expires:
		return Absent
	case t >= p.renew:
		return Stale
	}
	return Fresh
}

// is reports whether p and q are the same pair. Generations do not tell: that of a
// pair minted without the store is settled when the store is back.
func (p *Pair) is(q *Pair) bool { return p.Ticket.Equal(q.Ticket) }
