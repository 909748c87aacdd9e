package ticket

import (
	"time"

	"kyc-ocr-relay/internal/secret"
)

// Credential is what an Issuer of the tests issues.
type Credential = secret.Credential

// SetClock lets the clock of the instance be wrong by d.
func (c *Cache) SetClock(d time.Duration) {
	for _, a := range c.apps {
		a.clock = d
	}
}
