package relay

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"kyc-ocr-relay/internal/pipetest"
)

// A changed configuration is served by another Relay. Where it is bad, the one that there is goes on.
func TestStale(t *testing.T) {
	var (
		log    pipetest.Log
		built  atomic.Int32
		broken atomic.Bool
		stale  atomic.Bool
	)
	c := NewCurrent(func(context.Context) (*Relay, error) {
		if broken.Load() {
			return nil, errors.New("KYC_SECRET: required")
		}
		built.Add(1)
		return New(Config{Stale: func(context.Context, bool) bool { return stale.Swap(false) }}), nil
	}, log.Logger())
	open := func() *Relay {
		t.Helper()
		r, err := c.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := open()
	if open() != first {
		t.Error("built anew, although nothing changed")
	}
	broken.Store(true)
	stale.Store(true)
	if open() != first {
		t.Error("not served by what there is")
	}
	if list := log.Take(t); len(list) != 1 || list[0]["detail"] != "KYC_SECRET: required" {
		t.Errorf("log %v", list)
	}
	broken.Store(false)
	stale.Store(true)
	if second := open(); second == first || open() != second || built.Load() != 2 {
		t.Errorf("built %d times", built.Load())
	}
}
