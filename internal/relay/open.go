package relay

import (
	"context"
	"fmt"
	"log/slog"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/delivery"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/store"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

// Options is what Open takes besides the settings.
type Options struct {
	Log  *slog.Logger // required
	Role role.Source  // for COS

	// Memory is TICKET_STORE=memory. Given again, it outlives a changed secret: a pair that
	// is good still is not fetched anew. nil: one of its own.
	Memory *ticket.Memory

	Stale func(ctx context.Context, now bool) bool // see Config

	// For a program that shows what is asked: each changes what Open has made; nil: as it is.
	Upstream func(*upstream.Config)
	Issuer   func(ticket.Issuer) ticket.Issuer
}

// Open wires a Relay with settings. It asks nobody.
func Open(c config.Config, o Options) (*Relay, error) {
	schedule := ticket.Schedule{Refresh: c.Refresh, Overlap: c.Overlap}
	if !schedule.Fits(c.Timeout) {
		o.Log.Warn("a renewal is cut off before its two calls time out: lower KYC_TIMEOUT to a fifth of TICKET_OVERLAP")
	}
	shared, err := o.store(c.Store)
	if err != nil {
		return nil, fmt.Errorf("TICKET_STORE: %w", err)
	}
	sinks, err := o.sinks(c)
	if err != nil {
		return nil, fmt.Errorf("DELIVER_TO, DELIVER_SECRET: %w", err)
	}
	to := upstream.Config{BaseURL: c.BaseURL, Timeout: c.Timeout}
	if o.Upstream != nil {
		o.Upstream(&to)
	}
	client := upstream.New(to)
	ids, apps := []string(nil), map[string]ticket.App{}
	for _, app := range c.Apps {
		ids = append(ids, app.ID)
		of := o.app(client, app.ID, app.Secret)
		if !app.Next.IsEmpty() {
			next := o.app(client, app.ID, app.Next)
			of.Next = &next
		}
		apps[app.ID] = of
	}
	return New(Config{
		Apps:        ids,
		DefaultApp:  c.DefaultApp,
		Callers:     c.Callers,
		NoAuth:      c.NoAuth,
		RoutePrefix: c.RoutePrefix,
		Upstream:    client,
		Tickets:     ticket.New(ticket.Config{Apps: apps, Store: shared, Schedule: schedule, Log: o.Log}),
		StoreKind:   c.Store.Scheme,
		Delivery:    sinks,
		Stale:       o.Stale,
		Log:         o.Log,
	}), nil
}

func (o *Options) app(client *upstream.Client, id string, appSecret secret.Text) ticket.App {
	issuer := ticket.Issuer(client.Issuer(id, appSecret))
	if o.Issuer != nil {
		issuer = o.Issuer(issuer)
	}
	return ticket.App{Issuer: issuer, Secret: appSecret}
}

func (o *Options) store(at config.Location) (ticket.Store, error) {
	if at.Scheme != "memory" {
		return store.Open(at.Scheme, at.URL.Reveal(), o.Role)
	}
	if o.Memory != nil {
		return o.Memory, nil
	}
	return &ticket.Memory{}, nil
}

// sinks returns nil where DELIVER_TO is not set.
func (o *Options) sinks(c config.Config) (*delivery.Sinks, error) {
	if len(c.DeliverTo) == 0 {
		return nil, nil
	}
	to := make([]secret.Text, len(c.DeliverTo))
	for i, location := range c.DeliverTo {
		to[i] = location.URL
	}
	return delivery.Open(delivery.Config{To: to, Secret: c.DeliverSecret, Role: o.Role})
}
