package ticket

import (
	"context"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// Credential is what an Issuer of the tests issues.
type Credential = secret.Credential

// Flight is what Get and Reject began.
type Flight = flight

// ErrDenied is Reject's error where another renewal would not help.
var ErrDenied = errDenied

// Get returns a pair as Do has it first.
func (c *Cache) Get(ctx context.Context, appID string) (*Pair, *Flight, error) {
	return c.apps[appID].get(ctx)
}

// Reject returns a pair as Do has it after a rejection of p.
func (c *Cache) Reject(ctx context.Context, appID string, p *Pair) (*Pair, *Flight, error) {
	return c.apps[appID].reject(ctx, p)
}

// Futile notes, as Do does, that p was rejected, which Reject had returned.
func (c *Cache) Futile(ctx context.Context, appID string, p *Pair) { c.apps[appID].futile(ctx, p) }

// What a test wants to know of a pair.

func (p *Pair) State(now time.Time) State { return p.state(now) }
func (p *Pair) Source() Source            { return p.source }
func (p *Pair) Generation() uint64        { return p.shared.Generation }
func (p *Pair) Forced() bool              { return p.shared.Forced }

// SetClock lets the clock of the instance be wrong by d.
func (c *Cache) SetClock(d time.Duration) {
	for _, r := range c.apps {
		for _, a := range []*app{r.first, r.second} {
			if a != nil {
				a.clock = d
			}
		}
	}
}

// InFlight reports whether a renewal of app is under way here.
func (c *Cache) InFlight(app string) bool {
	a := c.apps[app].current.Load()
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.flight != nil
}
