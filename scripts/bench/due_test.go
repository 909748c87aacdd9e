package main

import (
	"errors"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"kyc-ocr-relay/internal/gateway"
)

// Both functions fetch a pair for an answer that finds theirs due, and none for another answer, which is no renewal.
func TestRenew(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("builds two functions, and reads their processor time from /proc")
	}
	t.Parallel()
	u := &upstream{}
	server := httptest.NewServer(u)
	t.Cleanup(server.Close)
	b := &bench{ctx: t.Context(), dir: t.TempDir(), base: server.URL}
	if err := b.build("../..", ".", "./scripts/bench/obvious"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"relay", "obvious"} {
		f, err := gateway.StartEvent(t.Context(), gateway.Config{Binary: b.program(name), Env: withRefresh(b.env()), EnvAtStart: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		if _, _, err := b.renew(f, u); err != nil { // the first answer
			t.Errorf("%s: %v", name, err)
		}
		begin := time.Now()
		if _, _, err := b.renew(f, u); !errors.Is(err, errNotDue) && time.Since(begin) < refresh/2 {
			t.Errorf("%s: %v for an answer that is no renewal", name, err)
		}
		time.Sleep(refresh) // as the processes' time is the machine's
		took, spent, err := b.renew(f, u)
		if err != nil || took <= 0 || spent <= 0 {
			t.Errorf("%s: %v ms, %v ms of the processor, %v", name, took, spent, err)
		}
	}
}
