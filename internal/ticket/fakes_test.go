package ticket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
)

var schedule = ticket.Schedule{Refresh: 20 * time.Minute, Overlap: time.Minute}

// fakeIssuer is an issuer whose answers a test decides. It counts the tokens it issued.
type fakeIssuer struct {
	mu         sync.Mutex
	calls      int // for a token
	tokens     int
	busy       int           // token calls under way
	most       int           // … at the same time
	takes      time.Duration // how long each call takes
	failToken  error
	failTicket error
	hangs      bool
	life       time.Duration // 0: as documented
}

func (d *fakeIssuer) set(change func(*fakeIssuer)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

func (d *fakeIssuer) issued() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tokens
}

func (d *fakeIssuer) work(ctx context.Context, fail func() error) error {
	d.mu.Lock()
	takes, hangs, err := d.takes, d.hangs, fail()
	d.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if takes > 0 {
		if err := sleep(ctx, takes); err != nil {
			return err
		}
	}
	return err
}

func (d *fakeIssuer) Token(ctx context.Context) (secret.Credential, error) {
	d.set(func(d *fakeIssuer) { d.calls++; d.busy++; d.most = max(d.most, d.busy) })
	defer d.set(func(d *fakeIssuer) { d.busy-- })
	if err := d.work(ctx, func() error { return d.failToken }); err != nil {
		return secret.Credential{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tokens++
	life := d.life
	if life == 0 {
		life = 2 * time.Hour
	}
	return secret.Credential{Value: secret.New(fmt.Sprintf("canary-token-%d", d.tokens)), Life: life}, nil
}

func (d *fakeIssuer) Ticket(ctx context.Context, token secret.Text) (secret.Credential, error) {
	if err := d.work(ctx, func() error { return d.failTicket }); err != nil {
		return secret.Credential{}, err
	}
	return secret.Credential{Value: secret.New("canary-ticket-of-" + token.Reveal()), Life: time.Hour}, nil
}

// cache returns an instance that has its pairs from d and shares them through store.
func (d *fakeIssuer) cache(store ticket.Store) *ticket.Cache { return d.loggingCache(store, nil) }

func (d *fakeIssuer) loggingCache(store ticket.Store, log *bytes.Buffer) *ticket.Cache {
	c := ticket.Config{
		Apps:     map[string]ticket.App{appID: {Issuer: d, Secret: secret.New("canary-secret")}},
		Store:    store,
		Schedule: schedule,
	}
	if log != nil {
		c.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return ticket.New(c)
}

// get gets a pair, and waits for the renewal that it may have begun.
func get(t *testing.T, c *ticket.Cache) *ticket.Pair {
	t.Helper()
	p, renewal, err := c.Get(t.Context(), appID)
	renewal.Wait()
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return p
}

func reject(t *testing.T, c *ticket.Cache, p *ticket.Pair) (*ticket.Pair, error) {
	t.Helper()
	next, renewal, err := c.Reject(t.Context(), appID, p)
	renewal.Wait()
	return next, err
}

// brokenStore is a store that a test can take away.
type brokenStore struct {
	ticket.Store
	mu    sync.Mutex
	down  bool
	loads int
}

func (b *brokenStore) set(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

func (b *brokenStore) isDown() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loads++
	return b.down
}

func (b *brokenStore) Load(ctx context.Context, app string) (ticket.Value, error) {
	if b.isDown() {
		return ticket.Value{}, errors.New("the store is down")
	}
	return b.Store.Load(ctx, app)
}

func (b *brokenStore) Swap(ctx context.Context, app string, version uint64, data []byte) (bool, error) {
	if b.isDown() {
		return false, errors.New("the store is down")
	}
	return b.Store.Swap(ctx, app, version, data)
}
