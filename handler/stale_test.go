package handler

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/secret"
)

// For a request that is not authenticated nobody is asked whether there is something new.
func TestOnlyWhoIsAuthenticatedHasTheSettingsLookedAt(t *testing.T) {
	var looks atomic.Int32
	h := handlerOf(func(context.Context) (*relay.Relay, error) {
		return relay.New(relay.Config{
			Callers: []config.Caller{{Name: "alice", Token: secret.New(goodToken)}},
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
