package handler

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/delivery"
	"kyc-ocr-relay/internal/pipetest"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

// rotating is a function in a bubble whose apps' secrets come from a source that the test changes.
type rotating struct {
	*Handler
	log pipetest.Log

	mu     sync.Mutex
	holds  map[string]string // secrets by app
	takes  time.Duration     // how long a look takes
	broken bool              // looks fail
	wrong  bool              // what the source holds cannot be used
	looks  int

	callers []config.Caller // nil: everybody
}

// lookPause is between two looks.
const lookPause = time.Second

const oldSecret, newSecret = "canary-old-secret", "canary-new-secret"

// vendor is the upstream of some functions, with a network to it.
func vendor(t *testing.T) (*simulator.Simulator, *pipetest.Network) { return vendorThatKeeps(t, 0) }

// vendorThatKeeps is one that keeps its connections as simulator.Config.KeepAlive says.
func vendorThatKeeps(t *testing.T, keepAlive time.Duration) (*simulator.Simulator, *pipetest.Network) {
	sim := simulator.New(simulator.Config{Apps: map[string]string{"IDA1": oldSecret, "IDA2": "secret-2"}, KeepAlive: keepAlive})
	w := pipetest.New()
	server := &http.Server{Handler: sim}
	sim.KeepConnections(server)
	go server.Serve(w)
	t.Cleanup(func() {
		server.Close()
		for _, v := range sim.Violations() {
			t.Error(v)
		}
	})
	return sim, w
}

// dialer is a network.
type dialer interface {
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}

func newRotating(t *testing.T, w dialer, store ticket.Store) *rotating {
	t.Helper()
	f := &rotating{holds: map[string]string{"IDA1": oldSecret}}
	log := f.log.Logger()
	sinks, err := delivery.Open(delivery.Config{To: []secret.Text{secret.New("file://" + filepath.ToSlash(t.TempDir()))}})
	if err != nil {
		t.Fatal(err)
	}
	f.Handler = handlerOf(func(context.Context) (*relay.Relay, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.wrong {
			return nil, errors.New("KYC_SECRET: required")
		}
		used := maps.Clone(f.holds)
		client := upstream.New(upstream.Config{BaseURL: &url.URL{Scheme: "http", Host: "upstream"}, Timeout: 5 * time.Second, Dial: w.Dial})
		t.Cleanup(client.Close)
		apps := map[string]ticket.App{}
		for id, s := range used {
			apps[id] = ticket.App{Issuer: client.Issuer(id, secret.New(s)), Secret: secret.New(s)}
		}
		return relay.New(relay.Config{
			Apps: slices.Sorted(maps.Keys(used)), DefaultApp: "IDA1", NoAuth: f.callers == nil, Callers: f.callers,
			Upstream: client, Tickets: ticket.New(ticket.Config{Apps: apps, Store: store, Schedule: schedule, Log: log}),
			Delivery: sinks, Log: log,
			Stale: func(ctx context.Context, now bool) bool { return now && f.changed(ctx, used) },
		}), nil
	}, log)
	return f
}

// changed is a look.
func (f *rotating) changed(ctx context.Context, used map[string]string) bool {
	f.mu.Lock()
	f.looks++
	takes := f.takes
	f.mu.Unlock()
	select {
	case <-ctx.Done():
		return false
	case <-time.After(takes):
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.broken && !maps.Equal(f.holds, used)
}

func (f *rotating) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// put has the source hold the new secret.
func (f *rotating) put() { f.set(func() { f.holds = map[string]string{"IDA1": newSecret} }) }

func (f *rotating) expect(t *testing.T, status int, code string) {
	t.Helper()
	w := get(f.Handler, "/ocr/bankcard/order1", nil)
	var body struct{ Code string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != status || body.Code != code {
		t.Errorf("%v: %d %s, want %d %s", time.Now().Format(time.TimeOnly), w.Code, w.Body, status, code)
	}
}

func (f *rotating) expectLooks(t *testing.T, want int) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.looks != want {
		t.Errorf("%d looks, want %d", f.looks, want)
	}
}
