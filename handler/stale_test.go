package handler

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"

	"kyc-ocr-relay/internal/secret"
)

// A changed configuration is served by another Relay. Where it is bad, the one that there is goes on.
func TestStale(t *testing.T) {
	var (
		log    lines
		built  atomic.Int32
		broken atomic.Bool
		stale  atomic.Bool
	)
	h := NewHandler(func(context.Context) (*Relay, error) {
		if broken.Load() {
			return nil, errors.New("KYC_SECRET: required")
		}
		built.Add(1)
		return New(Config{Stale: func(context.Context, bool) bool { return stale.Swap(false) }}), nil
	}, slog.New(slog.NewJSONHandler(&log, nil)))
	open := func() *Relay {
		t.Helper()
		r, fail := h.open(t.Context())
		if fail != nil {
			t.Fatal(fail.msg)
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
	if list := log.take(t); len(list) != 1 || list[0]["detail"] != "KYC_SECRET: required" {
		t.Errorf("log %v", list)
	}
	broken.Store(false)
	stale.Store(true)
	if second := open(); second == first || open() != second || built.Load() != 2 {
		t.Errorf("built %d times", built.Load())
	}
}

// For a request that is not authenticated nobody is asked whether there is something new.
func TestOnlyWhoIsAuthenticatedHasTheSettingsLookedAt(t *testing.T) {
	var looks atomic.Int32
	h := NewHandler(func(context.Context) (*Relay, error) {
		return New(Config{
			Callers: []Caller{{"alice", secret.New(goodToken)}},
			Stale:   func(context.Context, bool) bool { looks.Add(1); return false },
			Log:     slog.New(slog.DiscardHandler),
		}), nil
	}, slog.New(slog.DiscardHandler))
	for _, header := range []http.Header{nil, {"Authorization": {"Bearer wrong"}}, {"Authorization": {"Bearer " + goodToken, "Bearer " + goodToken}}} {
		for _, path := range []string{"/ocr/bankcard/order1", "/healthz", "/"} {
			get(h, path, header)
		}
	}
	if n := looks.Load(); n != 0 {
		t.Errorf("looked %d times", n)
	}
	get(h, "/nothing", http.Header{"Authorization": {"Bearer " + goodToken}})
	if n := looks.Load(); n != 1 {
		t.Errorf("looked %d times for a request that is authenticated", n)
	}
}
