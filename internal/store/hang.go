package store

import (
	"context"
	"errors"
	"sync"
)

// errHung says that an earlier call of the register is still blocked in the operating system.
var errHung = errors.New("an earlier call has not returned: the mount hangs")

// calls bounds what blocks where no context reaches, as on a hung mount: each such call holds
// a thread for as long as the mount hangs. There is one call at a time and register.
type calls struct {
	mu      sync.Mutex
	running map[string]*call
}

type call struct {
	ended chan struct{}
	hung  chan struct{} // closed when its caller waited no longer
}

// begin waits until no call of the register is under way. Where one hangs it fails at once.
func (c *calls) begin(ctx context.Context, register string) (*call, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c.mu.Lock()
		before := c.running[register]
		if before == nil {
			if c.running == nil {
				c.running = map[string]*call{}
			}
			mine := &call{ended: make(chan struct{}), hung: make(chan struct{})}
			c.running[register] = mine
			c.mu.Unlock()
			return mine, nil
		}
		c.mu.Unlock()
		select {
		case <-before.ended:
		case <-before.hung:
			return nil, errHung
		case <-ctx.Done():
		}
	}
}

func (c *calls) end(register string, mine *call) {
	c.mu.Lock()
	delete(c.running, register)
	c.mu.Unlock()
	close(mine.ended)
}

// within returns what f does, or at the end of ctx the context's error. f may then go
// on for as long as it blocks: a hung mount must not hang the caller.
func within[T any](ctx context.Context, c *calls, register string, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	mine, err := c.begin(ctx, register)
	if err != nil {
		return none, err
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		c.end(register, mine)
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		close(mine.hung)
		return none, ctx.Err()
	}
}
