package store

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A mount that hangs holds one goroutine a register, however often it is asked, and says so
// at once. When it is back, so is the store.
func TestOneHangingCallARegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			c       calls
			blocked atomic.Int32
			back    = make(chan struct{})
		)
		hang := func() (int, error) {
			blocked.Add(1)
			<-back
			return 1, nil
		}
		ask := func(register string) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := within(ctx, &c, register, hang)
			return err
		}
		start := time.Now()
		waiting := make(chan error)
		go func() { waiting <- ask("app") }()
		time.Sleep(time.Second / 2)
		if err := ask("app"); !errors.Is(err, errHung) {
			t.Errorf("the one that waited for the first: %v", err)
		}
		if err := <-waiting; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the first: %v", err)
		}
		for range 100 {
			if err := ask("app"); !errors.Is(err, errHung) {
				t.Fatalf("the next: %v", err)
			}
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v", took)
		}
		if n := blocked.Load(); n != 1 {
			t.Errorf("%d goroutines hang", n)
		}
		if err := ask("another"); !errors.Is(err, context.DeadlineExceeded) || blocked.Load() != 2 {
			t.Errorf("another register: %v, %d hang", err, blocked.Load())
		}
		close(back)
		synctest.Wait()
		if err := ask("app"); err != nil {
			t.Errorf("after it is back: %v", err)
		}
	})
}

// Calls that merely meet wait for each other.
func TestCallsOfARegisterTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c calls
		answers := make(chan error)
		for range 10 {
			go func() {
				_, err := within(t.Context(), &c, "app", func() (int, error) {
					time.Sleep(time.Second)
					return 0, nil
				})
				answers <- err
			}()
		}
		start := time.Now()
		for range 10 {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("took %v", took)
		}
		if len(c.running) != 0 {
			t.Errorf("%d calls are left", len(c.running))
		}
	})
}
