package ticket_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"time"

	"kyc-ocr-relay/handler"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

const (
	appID     = "IDA00001"
	appSecret = "fleet-secret"
)

// fleet is a number of instances of the real function, from the handler to the
// upstream client, against the simulator and one store: in one synctest bubble,
// so that its time is virtual. Networks take their time and break as a test says.
type fleet struct {
	random   *rand.Rand
	upstream *simulator.Simulator
	store    ticket.Store
	schedule ticket.Schedule
	ended    context.Context // releases what hangs for ever, when the test is over
	clients  bool            // bring back what they were started with; false: they start, and are not seen again

	mu        sync.Mutex
	storeDown bool
	readOnly  bool  // the store
	issuing   fault // of the token and ticket calls
	dieAt     step  // whoever comes to this step of a renewal next dies there
	stallAt   step  // … or is frozen there
	stall     time.Duration
	died      map[step]int
	stalled   map[step]int

	token           string // of the ticket that was issued last
	queries, failed int    // what was asked of instances, and how much of it failed
	failures        []string
	loads, swaps    int
}

// fault is what happens to a call.
type fault int

const (
	works fault = iota
	refuses
	hangs
)

// instance is one instance of the function.
type instance struct {
	*process
	fleet   *fleet
	handler *handler.Handler
	issued  bool // a token was asked for since the last Swap
}

// step is a step of a renewal.
type step string

const (
	beforeLease  step = "before the lease"
	afterLease   step = "after the lease"
	beforeToken  step = "before the token is issued"
	afterToken   step = "after the token was issued"
	afterTicket  step = "after the ticket was issued"
	beforeSwap   step = "before publishing"
	afterPublish step = "after publishing"
)

var steps = []step{beforeLease, afterLease, beforeToken, afterToken, afterTicket, beforeSwap, afterPublish}

func newFleet(ended context.Context, seed uint64) *fleet {
	return &fleet{
		random:   rand.New(rand.NewPCG(seed, 0)),
		upstream: simulator.New(simulator.Config{Apps: map[string]string{appID: appSecret}}),
		store:    &ticket.Memory{},
		schedule: ticket.Schedule{Refresh: 20 * time.Minute, Overlap: time.Minute},
		ended:    ended,
		died:     map[step]int{},
		stalled:  map[step]int{},
	}
}

// start brings up an instance whose clock is wrong by d.
func (f *fleet) start(d time.Duration) *instance {
	i := &instance{process: newProcess(f.ended), fleet: f}
	base, _ := url.Parse("https://upstream.example")
	client := upstream.New(upstream.Config{BaseURL: base, Timeout: 5 * time.Second, Transport: i})
	tickets := ticket.New(ticket.Config{
		Apps:     map[string]ticket.App{appID: {Issuer: client.Issuer(appID, secret.New(appSecret)), Secret: secret.New(appSecret)}},
		Store:    i,
		Schedule: f.schedule,
	})
	tickets.SetClock(d)
	r := relay.New(relay.Config{
		Apps: []string{appID}, DefaultApp: appID, NoAuth: true,
		Upstream: client, Tickets: tickets, StoreKind: "test",
		Log: slog.New(slog.DiscardHandler),
	})
	log := slog.New(slog.DiscardHandler)
	i.handler = handler.New(relay.NewCurrent(func(context.Context) (*relay.Relay, error) { return r, nil }, log), log)
	return i
}

// at is where an instance dies or is frozen, if a test has doomed it.
func (i *instance) at(ctx context.Context, s step) error {
	f := i.fleet
	f.mu.Lock()
	dies, stalls := f.dieAt == s, f.stallAt == s
	switch {
	case dies:
		f.dieAt = ""
		f.died[s]++
	case stalls:
		f.stallAt = ""
		f.stalled[s]++
		i.freeze(f.stall)
	}
	f.mu.Unlock()
	if dies {
		i.kill()
	}
	if err := i.pass(); err != nil {
		return err
	}
	return ctx.Err()
}

// RoundTrip implements http.RoundTripper: the way to the upstream and back.
func (i *instance) RoundTrip(r *http.Request) (*http.Response, error) {
	f, ctx := i.fleet, r.Context()
	query := r.URL.Query()
	signing := r.URL.Path == "/api/oauth2/api_ticket" && query.Get("type") == "SIGN"
	issuing := r.URL.Path == "/api/oauth2/access_token" || signing
	if r.URL.Path == "/api/oauth2/access_token" {
		if err := i.at(ctx, beforeToken); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	i.issued = i.issued || issuing
	way := time.Duration(5+f.random.IntN(60)) * time.Millisecond
	state := f.issuing
	f.mu.Unlock()
	if issuing && state == refuses {
		return nil, errors.New("connection refused")
	}
	if issuing && state == hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if err := sleep(ctx, way); err != nil {
		return nil, err
	}
	recorder := httptest.NewRecorder()
	r.TransferEncoding = nil
	if r.Method == http.MethodGet {
		r.Body = nil // as it is when a request without a body arrives
	}
	f.upstream.ServeHTTP(recorder, r)
	if err := sleep(ctx, way); err != nil {
		return nil, err
	}
	switch {
	case r.URL.Path == "/api/oauth2/access_token":
		if err := i.at(ctx, afterToken); err != nil {
			return nil, err
		}
	case signing:
		f.mu.Lock()
		f.token = query.Get("access_token")
		f.mu.Unlock()
		if err := i.at(ctx, afterTicket); err != nil {
			return nil, err
		}
	}
	return recorder.Result(), nil
}

// Load implements ticket.Store: the way to the store.
func (i *instance) Load(ctx context.Context, app string) (ticket.Value, error) {
	if err := i.toStore(ctx, &i.fleet.loads); err != nil {
		return ticket.Value{}, err
	}
	return i.fleet.store.Load(ctx, app)
}

// Swap implements ticket.Store.
func (i *instance) Swap(ctx context.Context, app string, version uint64, data []byte) (bool, error) {
	f := i.fleet
	f.mu.Lock()
	before, after := beforeLease, afterLease
	if i.issued { // the Swap after a token call publishes
		before, after = beforeSwap, afterPublish
	}
	i.issued = false
	f.mu.Unlock()
	if err := i.at(ctx, before); err != nil {
		return false, err
	}
	if err := i.toStore(ctx, &f.swaps); err != nil {
		return false, err
	}
	f.mu.Lock()
	readOnly := f.readOnly
	f.mu.Unlock()
	if readOnly {
		return false, errors.New("READONLY")
	}
	ok, err := f.store.Swap(ctx, app, version, data)
	if e := i.at(ctx, after); e != nil {
		return false, e
	}
	return ok, err
}

func (i *instance) toStore(ctx context.Context, count *int) error {
	f := i.fleet
	f.mu.Lock()
	*count++
	down := f.storeDown
	way := time.Duration(1+f.random.IntN(15)) * time.Millisecond
	f.mu.Unlock()
	if err := sleep(ctx, way); err != nil {
		return err
	}
	if down {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
