package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"kyc-ocr-relay/handler"
	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/store"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

// answerLimit bounds an answer. The function's is the platform's 6 MB; a laptop can take
// an ID card's five photos of 20 MB each, which is what an upload may have (document 1007).
const answerLimit = 160 << 20

// core is what the function is made of, wired for one query.
type core struct {
	query upstream.Query
	relay *handler.Relay
	tap   *tap // nil unless it is to be explained

	minted  int           // tokens that were issued
	tickets []secret.Text // that may have been used, for the explanation
}

// open wires the core from the function's variables. Those about callers and delivery do
// not matter here, and may be missing.
func open(o options, getenv func(string) string, stderr io.Writer) (*core, error) {
	values := map[string]string{}
	for _, name := range config.Variables() {
		values[name] = getenv(name)
	}
	values["CALLER_AUTH"] = "none"
	for _, name := range []string{"CALLER_TOKENS", "ROUTE_PREFIX", "DELIVER_TO", "DELIVER_SECRET"} {
		delete(values, name)
	}
	c, err := config.Parse(values)
	if err != nil {
		if values["SECRET_SOURCE"] != "" {
			err = fmt.Errorf("%w\n(SECRET_SOURCE is read by the function alone: set here what it holds)", err)
		}
		return nil, fmt.Errorf("the environment:\n%w", err)
	}
	if o.app == "" {
		o.app = c.DefaultApp
	}
	at := slices.IndexFunc(c.Apps, func(a config.App) bool { return a.ID == o.app })
	if at < 0 {
		return nil, fmt.Errorf("-app: must be one of the apps in KYC_APP_ID and KYC_APPS: %s", ids(c.Apps))
	}
	shared, err := store.Open(c.Store.Scheme, c.Store.URL.Reveal(), role.FromEnvironment(getenv))
	if err != nil {
		return nil, fmt.Errorf("TICKET_STORE: %w", err)
	}
	log := slog.New(slog.DiscardHandler)
	to := upstream.Config{BaseURL: c.BaseURL, Timeout: c.Timeout}
	k := &core{query: upstream.Query{
		Type:       o.typ,
		AppID:      o.app,
		OrderNo:    o.order,
		WithPhotos: o.photos != "",
		WithNative: o.native,
		Limit:      answerLimit,
	}}
	if o.explain {
		log = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: c.LogLevel}))
		k.tap = newTap(&to, o.typ.Path())
	}
	client, app := upstream.New(to), c.Apps[at]
	of := ticket.App{Issuer: issuer{client.Issuer(app.ID, app.Secret), k}, Secret: app.Secret}
	if !app.Next.IsEmpty() {
		of.Next = &ticket.App{Issuer: issuer{client.Issuer(app.ID, app.Next), k}, Secret: app.Next}
	}
	k.relay = handler.New(handler.Config{
		Upstream: client,
		Tickets: ticket.New(ticket.Config{
			Apps:     map[string]ticket.App{app.ID: of},
			Store:    shared,
			Schedule: ticket.Schedule{Refresh: c.Refresh, Overlap: c.Overlap},
			Log:      log,
		}),
		StoreKind: c.Store.Scheme,
		Log:       log,
	})
	return k, nil
}

func ids(apps []config.App) (list []string) {
	for _, a := range apps {
		list = append(list, a.ID)
	}
	return list
}

// ask queries as the function does, and notes the tickets that it may have used.
func (k *core) ask(ctx context.Context) (*upstream.Answer, error) {
	if err := k.note(ctx); err != nil {
		return nil, err
	}
	answer, err := k.relay.Query(ctx, k.query)
	if err != nil {
		return nil, err
	}
	return answer, k.note(ctx)
}

func (k *core) note(ctx context.Context) error {
	_, err := k.relay.Tickets.Do(ctx, k.query.AppID, func(p *ticket.Pair) (rejected bool, err error) {
		k.tickets = append(k.tickets, p.Ticket)
		return false, nil
	})
	return err
}

// issuer is the upstream as the app's issuer of pairs. It tells the core what was issued.
type issuer struct {
	upstream.Issuer
	core *core
}

func (i issuer) Token(ctx context.Context) (secret.Credential, error) {
	c, err := i.Issuer.Token(ctx)
	if err == nil {
		i.core.minted++
	}
	return c, err
}

func (i issuer) Ticket(ctx context.Context, token secret.Text) (secret.Credential, error) {
	c, err := i.Issuer.Ticket(ctx, token)
	if err == nil {
		i.core.tickets = append(i.core.tickets, c.Value)
	}
	return c, err
}
