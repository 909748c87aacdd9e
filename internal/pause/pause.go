// Package pause waits between two attempts.
package pause

import (
	"context"
	"time"
)

// For blocks for wait and reports true. Where ctx ends before, it reports false: at once where its
// deadline says so beforehand.
func For(ctx context.Context, wait time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
