package relay

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
)

// crowd is an upstream that takes a second for a token, and counts how many ask at once.
type crowd struct {
	mu            sync.Mutex
	waiting, most int
}

func (c *crowd) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting += n
	c.most = max(c.most, c.waiting)
}

func (c *crowd) Token(context.Context) (secret.Credential, error) {
	c.add(1)
	defer c.add(-1)
	time.Sleep(time.Second)
	return secret.Credential{Value: secret.New("token"), Life: time.Hour}, nil
}

func (c *crowd) Ticket(context.Context, secret.Text) (secret.Credential, error) {
	return secret.Credential{Value: secret.New("ticket"), Life: time.Hour}, nil
}

func TestTimerRenewsAFewAppsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const apps = 10*renewing + 1
		all := &crowd{}
		config, names := map[string]ticket.App{}, []string(nil)
		for i := range apps {
			name := fmt.Sprint("app", i)
			config[name], names = ticket.App{Issuer: all}, append(names, name)
		}
		r := New(Config{Apps: names, Tickets: ticket.New(ticket.Config{Apps: config, Schedule: ticket.Schedule{Refresh: 20 * time.Minute, Overlap: time.Minute}})})
		start := time.Now()
		if done := r.Renew(t.Context()); len(done.Renewed) != apps {
			t.Fatal(done)
		}
		if n := all.most; n != renewing {
			t.Errorf("%d relay.Renewals at once, want %d", n, renewing)
		}
		if took := time.Since(start); took != 11*time.Second {
			t.Errorf("took %v", took)
		}
	})
}
