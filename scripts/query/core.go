package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
	"kyc-ocr-relay/scripts/internal/command"
)

// answerLimit bounds an answer. The function's is the platform's 6 MB; a laptop can take
// an ID card's five photos of 20 MB each, which is what an upload may have (document 1007).
const answerLimit = 160 << 20

// core is what the function is made of, wired for one query.
type core struct {
	call   upstream.Call
	params upstream.Params
	relay  *relay.Relay
	tap    *tap // nil unless it is to be explained

	minted  int           // tokens that were issued
	tickets []secret.Text // that may have been used, for the explanation
}

// open wires the core from the function's variables. Those about callers and delivery do
// not matter here, and may be missing.
func open(o options, getenv func(string) string, stderr io.Writer) (*core, error) {
	values := config.Values(getenv)
	values["CALLER_AUTH"] = "none"
	for _, name := range []string{"CALLER_TOKENS", "CALLER_SCOPES", "CALLER_APPS", "ROUTE_PREFIX", "DELIVER_TO", "DELIVER_SECRET"} {
		delete(values, name)
	}
	c, err := config.Parse(values)
	if err != nil {
		if values["SECRET_SOURCE"] != "" {
			err = fmt.Errorf("%w\n(SECRET_SOURCE is read by the function alone: set here what it holds)", err)
		}
		return nil, command.Remedy(fmt.Errorf("the environment:\n%w", err),
			"set -a; . ./.env; set +a takes the variables from a .env file, or: KYC_APP_ID=IDAXXXXX KYC_SECRET=… go run ./scripts/query %s %s", o.typ, o.order)
	}
	if o.app == "" {
		o.app = c.DefaultApp
	}
	if !slices.ContainsFunc(c.Apps, func(a config.App) bool { return a.ID == o.app }) {
		return nil, fmt.Errorf("-app: must be one of the apps in KYC_APP_ID and KYC_APPS: %s", ids(c.Apps))
	}
	k := &core{call: o.typ.Call(), params: upstream.Params{AppID: o.app, OrderNo: o.order, WithNative: o.native, Limit: answerLimit}}
	if o.product != "" {
		k.call = o.product.Query()
	}
	if o.photos != "" {
		k.params.Files = "1"
	}
	options := relay.Options{
		Log:    slog.New(slog.DiscardHandler),
		Role:   role.FromEnvironment(getenv),
		Issuer: func(of ticket.Issuer) ticket.Issuer { return issuer{of, k} },
	}
	if o.explain {
		options.Log = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: c.LogLevel}))
		options.Upstream = func(to *upstream.Config) { k.tap = newTap(to, k.call.Path()) }
	}
	k.relay, err = relay.Open(c, options)
	return k, err
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
	answer, err := k.relay.Call(ctx, k.call, k.params, new(upstream.Trace))
	if err != nil {
		return nil, err
	}
	return answer, k.note(ctx)
}

func (k *core) note(ctx context.Context) error {
	_, err := k.relay.Tickets.Do(ctx, k.params.AppID, func(p *ticket.Pair) (rejected bool, err error) {
		k.tickets = append(k.tickets, p.Ticket)
		return false, nil
	})
	return err
}

// issuer is the upstream as the app's issuer of pairs. It tells the core what was issued.
type issuer struct {
	ticket.Issuer
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
