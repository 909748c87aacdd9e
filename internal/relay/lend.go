package relay

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

// Lend returns the app's pair for a server that signs by itself; with rotate, which that server
// says is rejected, it is renewed first if it still is that one and may be. Errors are as with
// Ask.
func (r *Relay) Lend(ctx context.Context, app string, rotate secret.Text) (ticket.Loan, error) {
	if rotate.IsEmpty() {
		return r.Tickets.Lend(ctx, app)
	}
	return r.Tickets.Rotate(ctx, app, rotate)
}

// NonceTicket fetches a NONCE ticket of a user. Errors are as with Ask.
func (r *Relay) NonceTicket(ctx context.Context, app, user string, t *upstream.Trace) (nonce secret.Credential, err error) {
	_, err = r.withPair(ctx, app, t, func(pair *ticket.Pair) (*upstream.Answer, error) {
		start := time.Now()
		nonce, err = r.Upstream.NonceTicket(ctx, app, pair.Token, user)
		t.Attempts++
		t.Time += time.Since(start)
		return &upstream.Answer{Class: upstream.Success}, err
	})
	return nonce, err
}

// Holds reports whether somebody has shown an app's token or ticket, or what was signed with it:
// shows is asked about the pairs that are in force or ended within TICKET_REFRESH.
func (r *Relay) Holds(ctx context.Context, app string, shows func(token, ticket secret.Text) bool) bool {
	return r.Tickets.Knows(ctx, app, shows)
}

// Loans notes for the health answer what this instance has lent to whom. Its zero value is
// empty; it is safe for concurrent use.
type Loans struct {
	mu   sync.Mutex
	last map[LoanKey]LastLoan
}

// LoanKey is who was lent what.
type LoanKey struct{ Caller, AppID, Kind string }

// LastLoan is the last loan of its key.
type LastLoan struct {
	LoanKey
	At  time.Time
	Age time.Duration // of the pair, then
}

// Note notes a loan. There are as many keys as callers, apps and kinds.
func (l *Loans) Note(key LoanKey, age time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		l.last = map[LoanKey]LastLoan{}
	}
	l.last[key] = LastLoan{key, time.Now(), age}
}

// List returns the last loans, in the order of their keys.
func (l *Loans) List() []LastLoan {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]LastLoan, 0, len(l.last))
	for _, last := range l.last {
		list = append(list, last)
	}
	slices.SortFunc(list, func(a, b LastLoan) int {
		return strings.Compare(a.Caller+"\n"+a.AppID+"\n"+a.Kind, b.Caller+"\n"+b.AppID+"\n"+b.Kind)
	})
	return list
}
