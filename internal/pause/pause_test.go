package pause

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		expect := func(what string, got, want bool, after time.Duration) {
			t.Helper()
			if got != want || time.Since(begin) != after {
				t.Errorf("%s: %t after %v", what, got, time.Since(begin))
			}
			begin = time.Now()
		}
		expect("without an end", For(t.Context(), time.Second), true, time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		expect("before the deadline", For(ctx, time.Second/2), true, time.Second/2)
		expect("past the deadline", For(ctx, time.Second), false, 0)
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		expect("cancelled", For(ctx, time.Second), false, time.Millisecond)
	})
}
