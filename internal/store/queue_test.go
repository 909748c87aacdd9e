package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
)

// counter is an upstream that counts what it issues.
type counter struct{ tokens atomic.Int64 }

func (c *counter) Token(context.Context) (secret.Credential, error) {
	return secret.Credential{Value: secret.New(fmt.Sprint("token ", c.tokens.Add(1))), Life: 2 * time.Hour}, nil
}

func (c *counter) Ticket(_ context.Context, token secret.Text) (secret.Credential, error) {
	return secret.Credential{Value: secret.New("ticket of " + token.Reveal()), Life: time.Hour}, nil
}

// Waiting for a connection is not an outage: an instance that looks for the pairs of many
// apps at once, which a Redis some way off has, takes more than the limit of a call for
// all of them, and mints none.
func TestRedisQueueIsNoOutage(t *testing.T) {
	const apps = 250
	mini, issuer := startMini(t), &counter{}
	config := ticket.Config{
		Apps:     make(map[string]ticket.App, apps),
		Schedule: ticket.Schedule{Refresh: 20 * time.Minute, Overlap: time.Minute},
	}
	for i := range apps {
		config.Apps[fmt.Sprint("app", i)] = ticket.App{Issuer: issuer, Secret: secret.New("secret")}
	}
	renew := func(address string) {
		config.Store = openRedisAt(t, redisAt("redis", address, ""))
		cache := ticket.New(config)
		var all sync.WaitGroup
		for app := range config.Apps {
			all.Go(func() {
				if _, err := cache.Renew(t.Context(), app); err != nil {
					t.Errorf("%s: %v", app, err)
				}
			})
		}
		all.Wait()
	}
	renew(mini.Addr())
	f := forward(t, mini.Addr())
	f.away = 40 * time.Millisecond
	start := time.Now()
	renew(f.Addr().String())
	if took := time.Since(start); took < 2*time.Second {
		t.Errorf("%v is within the limit of one call: no test", took)
	}
	if n := issuer.tokens.Load(); n != apps {
		t.Errorf("%d mints for %d apps whose pairs the store holds", n-apps, apps)
	}
	if n := f.dials.Load(); n > ticket.StoreCalls {
		t.Errorf("%d connections", n)
	}
}
