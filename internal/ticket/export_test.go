package ticket

import "time"

// SetClock lets the clock of the instance be wrong by d.
func (c *Cache) SetClock(d time.Duration) {
	for _, a := range c.apps {
		a.clock = d
	}
}
