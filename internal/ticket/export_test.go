package ticket

import (
	"time"

	"kyc-ocr-relay/internal/secret"
)

// Credential is what an Issuer of the tests issues.
type Credential = secret.Credential

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
