package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

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
	query   upstream.Query
	client  *upstream.Client
	tickets *ticket.Cache
	issuer  *issuer
	tap     *tap // nil unless it is to be explained
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
	k.client = upstream.New(to)
	k.issuer = &issuer{client: k.client, app: c.Apps[at]}
	k.tickets = ticket.New(ticket.Config{
		Apps:     map[string]ticket.App{o.app: {Issuer: k.issuer, Secret: k.issuer.app.Secret}},
		Store:    shared,
		Schedule: ticket.Schedule{Refresh: c.Refresh, Overlap: c.Overlap},
		Log:      log,
	})
	return k, nil
}

func ids(apps []config.App) (list []string) {
	for _, a := range apps {
		list = append(list, a.ID)
	}
	return list
}

// ask queries as the function does: a ticket that is rejected is replaced once.
func (k *core) ask(ctx context.Context) (*upstream.Answer, error) {
	app := k.query.AppID
	pair, renewal, err := k.tickets.Get(ctx, app)
	defer renewal.Wait()
	if err != nil {
		return nil, err
	}
	k.query.Ticket = pair.Ticket
	answer, err := k.client.Result(ctx, k.query)
	if err != nil || answer.Class != upstream.Rejected {
		return answer, err
	}
	next, renewal2, err := k.tickets.Reject(ctx, app, pair)
	defer renewal2.Wait()
	if errors.Is(err, ticket.ErrDenied) {
		return answer, nil
	}
	if err != nil {
		return nil, err
	}
	k.query.Ticket = next.Ticket
	answer, err = k.client.Result(ctx, k.query)
	if err == nil && answer.Class == upstream.Rejected {
		k.tickets.Futile(ctx, app, next)
	}
	return answer, err
}

// issuer is the upstream as the app's issuer of pairs. It keeps what was issued, for the
// explanation.
type issuer struct {
	client  *upstream.Client
	app     config.App
	minted  int
	tickets []secret.Text
}

func (i *issuer) Token(ctx context.Context) (ticket.Credential, error) {
	c, err := i.client.AccessToken(ctx, i.app.ID, i.app.Secret)
	if err == nil {
		i.minted++
	}
	return ticket.Credential(c), err
}

func (i *issuer) Ticket(ctx context.Context, token secret.Text) (ticket.Credential, error) {
	c, err := i.client.SignTicket(ctx, i.app.ID, token)
	if err == nil {
		i.tickets = append(i.tickets, c.Value)
	}
	return ticket.Credential(c), err
}
