package ticket

import (
	"context"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// Loan is a pair as a server has it that signs by itself.
type Loan struct {
	Token, Ticket secret.Text
	// Left is how long the server may use it before it asks again. Then the pair is due, and
	// who asks no later has another one before this one ends.
	Left time.Duration
	Age  time.Duration
}

// Lend returns the app's pair. One that is due is renewed first, as for a timer; where that fails
// and it has not ended, it is lent for half an overlap: as long as it is good whoever renews it.
// Lend blocks until what it began has ended. Its errors are those of Do.
func (c *Cache) Lend(ctx context.Context, appID string) (Loan, error) {
	_, _ = c.Renew(ctx, appID) // whether there is a pair all the same, Do tells
	return c.lend(ctx, appID, func(*Pair) bool { return false })
}

// Rotate is Lend where a server says that the upstream does not accept the pair with a token or
// ticket any more. Only if that is the one in force it is renewed, under the bounds on what
// rejections can cause.
func (c *Cache) Rotate(ctx context.Context, appID string, value secret.Text) (Loan, error) {
	return c.lend(ctx, appID, func(p *Pair) bool { return p.Token.Equal(value) || p.Ticket.Equal(value) })
}

func (c *Cache) lend(ctx context.Context, appID string, rejects func(*Pair) bool) (loan Loan, err error) {
	r := c.apps[appID]
	_, err = c.Do(ctx, appID, func(p *Pair) (bool, error) {
		a := r.current.Load()
		now := a.wall()
		left := max(time.Unix(0, min(p.renew, p.expires)).Sub(now), a.schedule.Overlap/2)
		loan = Loan{p.Token, p.Ticket, left, now.Sub(time.Unix(0, p.minted))}
		return rejects(p), nil
	})
	return loan, err
}
