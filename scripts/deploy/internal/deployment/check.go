package deployment

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"

	"kyc-ocr-relay/internal/archive"
	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ssm"
	"kyc-ocr-relay/internal/ticket"
)

// Check tells a newcomer, step by step, what works and what to fix. Nothing is deployed.
type Check struct {
	Account Account
	Name    string
	Kind    archive.Kind
	Role    string // that the function is to have; "": the one it has

	Environment Environment
	Problem     error // of reading the Environment

	// Mint allows to fetch a token where the function's own pair cannot be looked up: a minute
	// later the pair that the function uses is void.
	Mint bool
	// EventURL says that a Function URL of an event function is wanted.
	EventURL bool
	// OpenStore opens TICKET_STORE. nil: stores cannot be checked.
	OpenStore func(config.Location, role.Source) (ticket.Store, error)
	// Roots verify the upstream's certificate; nil: the system's.
	Roots *x509.CertPool
	Out   io.Writer
	// Paint shows a line's mark: ok, warn, skip, FAIL. nil: as it is.
	Paint func(mark string) string
}

// checking is a Check on its way.
type checking struct {
	Check
	client *Client
	config *config.Config // once it is known to be good
	store  ticket.Store   // once it is known to work, if instances share it
	found  *state         // nil: there is no function
	serves string         // the version with the traffic; "": there is no function
	url    string
	failed int
}

// Run prints one line a step, and what to do where one failed. It reports whether none did.
func (c Check) Run(ctx context.Context) bool {
	k := &checking{Check: c}
	for _, step := range []func(*checking, context.Context){
		(*checking).credentials, (*checking).function, (*checking).role, (*checking).settings,
		(*checking).baseURL, (*checking).ticketStore, (*checking).apps, (*checking).timer, (*checking).functionURL,
	} {
		if ctx.Err() != nil {
			k.fail("check", ctx.Err().Error(), "")
			break
		}
		step(k, ctx)
	}
	if k.failed == 0 {
		fmt.Fprintln(c.Out, "Nothing is wrong.")
	} else {
		fmt.Fprintf(c.Out, "%d to fix.\n", k.failed)
	}
	return k.failed == 0
}

func (k *checking) say(mark, what, format string, args ...any) {
	shown := fmt.Sprintf("%-5s", mark)
	if k.Paint != nil {
		shown = strings.Replace(shown, mark, k.Paint(mark), 1)
	}
	fmt.Fprintf(k.Out, "%s %-12s %s\n", shown, what, fmt.Sprintf(format, args...))
}

func (k *checking) fail(what, text, fix string) {
	k.failed++
	text, remedy, _ := strings.Cut(text, "\n  what to do: ")
	if fix == "" {
		fix = remedy
	}
	k.say("FAIL", what, "%s", strings.ReplaceAll(text, "\n", "\n                   "))
	if fix != "" {
		k.say("", "", "fix: %s", fix)
	}
}

func (k *checking) credentials(ctx context.Context) {
	client, err := NewClient(k.Account)
	if err != nil {
		k.fail("credentials", strings.TrimPrefix(err.Error(), "credentials: "), "")
		return
	}
	client.conceal(hidden(k.Environment.Values)...)
	body, err := client.call(ctx, "sts", "2018-08-13", "GetCallerIdentity", map[string]any{})
	if err != nil {
		k.fail("credentials", err.Error(), "")
		return
	}
	var answer struct {
		Response struct{ AccountId, UserId string }
	}
	_ = json.Unmarshal(body, &answer) // it is only told
	k.client = client
	k.say("ok", "credentials", "account %s, user %s, region %s", answer.Response.AccountId, answer.Response.UserId, k.Account.Region)
}

func (k *checking) function(ctx context.Context) {
	if k.client == nil {
		k.say("skip", "function", "needs the credentials")
		return
	}
	s, err := k.client.look(ctx, k.Name)
	switch {
	case err != nil:
		k.fail("function", err.Error(), "")
	case s.latest == nil:
		k.say("skip", "function", "%s is not deployed in %s yet", k.Name, k.Account.Region)
	case s.latest.typ != typ(k.Kind):
		k.fail("function", fmt.Sprintf("%s is of type %s", k.Name, s.latest.typ), "choose another -name or -kind")
	default:
		if k.Role == "" {
			k.Role = s.latest.role
		}
		k.found, k.serves, k.url = s, s.alias.main, s.url.open()
		k.say("ok", "function", "%s is %s; traffic: %s", k.Name, s.latest.status, s.alias)
	}
}

func (k *checking) role(ctx context.Context) {
	needed := k.Environment.needsRole()
	switch {
	case k.Role == "" && needed == "":
		k.say("ok", "role", "none, and none is needed")
		return
	case k.Role == "":
		k.fail("role", needed+" needs an execution role, and there is none", "make a role in Access Management with scf.qcloud.com as its carrier, and name it with -role")
		return
	case k.client == nil:
		k.say("skip", "role", "needs the credentials")
		return
	}
	_, err := k.client.call(ctx, "cam", "2019-01-16", "GetRole", map[string]any{"RoleName": k.Role})
	var e *Error
	switch {
	case err == nil:
		k.say("ok", "role", "%s exists", k.Role)
	case errors.As(err, &e) && strings.Contains(e.Code, "RoleNotExist"):
		k.fail("role", "there is no role "+k.Role, "make it in Access Management with scf.qcloud.com as its carrier, or leave -role out")
	case errors.As(err, &e) && (strings.HasPrefix(e.Code, "UnauthorizedOperation") || strings.HasPrefix(e.Code, "AuthFailure.UnauthorizedOperation")):
		k.say("skip", "role", "this user may not look at roles (cam:GetRole)")
	default:
		k.fail("role", err.Error(), "")
	}
}

// settings reads the variables, with what SECRET_SOURCE adds to them.
func (k *checking) settings(ctx context.Context) {
	if k.Problem != nil {
		k.fail("settings", k.Problem.Error(), "mend these lines")
		return
	}
	all := maps.Clone(k.Environment.Values)
	if source := all["SECRET_SOURCE"]; source != "" {
		if k.client == nil {
			k.say("skip", "settings", "SECRET_SOURCE needs the credentials to be read")
			return
		}
		values, err := k.secret(ctx, source)
		if err != nil {
			k.fail("settings", err.Error()+"\n(it was read with these credentials; the function reads it with its role)", "")
			return
		}
		for name, value := range values {
			if strings.TrimSpace(all[name]) == "" {
				all[name] = value
			}
		}
	}
	c, err := config.Parse(all)
	if err != nil {
		k.fail("settings", err.Error(), "set them in the .env file, in the environment, or in the secret of SECRET_SOURCE; docs/configuration.md has the table")
		return
	}
	k.config = &c
	k.say("ok", "settings", "%d of the function's variables are set, for %d app(s)", len(all), len(c.Apps))
}

// secret reads SECRET_SOURCE as the user who checks. The function reads it with its role.
func (k *checking) secret(ctx context.Context, source string) (map[string]string, error) {
	if _, err := config.Parse(map[string]string{"SECRET_SOURCE": source, "KYC_APPS": "a:b", "CALLER_AUTH": "none"}); err != nil {
		return nil, err
	}
	s, err := ssm.New(ssm.Config{URL: secret.New(source), Role: k.operator, Variables: config.Variables()})
	if err != nil {
		return nil, err
	}
	return s.Values(ctx)
}

// operator gives the credentials of the user who checks.
func (k *checking) operator(context.Context) (role.Credentials, error) {
	if k.client == nil {
		return role.Credentials{}, role.ErrNone
	}
	return role.Credentials{SecretID: secret.New(k.Account.SecretID), SecretKey: k.Account.SecretKey, SessionToken: k.Account.Token}, nil
}

func (k *checking) functionURL(ctx context.Context) {
	if k.url == "" && k.serves != "" && k.Kind == archive.Event {
		k.invoke(ctx)
		return
	}
	if k.url == "" {
		k.say("skip", "URL", "there is no Function URL that everybody may ask")
		return
	}
	if k.Kind == archive.Event && !k.EventURL {
		k.say("warn", "URL", "%s", loggedURL)
	}
	if k.Environment.Values["CALLER_AUTH"] == "none" {
		k.say("warn", "URL", "CALLER_AUTH is none: everybody who finds the URL can ask")
	}
	k.client.Out = io.Discard
	h, err := k.client.health(ctx, k.url+k.Environment.Prefix())
	if err != nil {
		k.fail("URL", err.Error(), "")
		return
	}
	k.say("ok", "URL", "%s answers", k.url)
	k.loans(h.Lent)
}

// invoke asks a function without a Function URL.
func (k *checking) invoke(ctx context.Context) {
	k.client.Out = io.Discard
	r := &run{Client: k.client, Plan: &Plan{name: k.Name, config: Config{Environment: k.Environment}}}
	if err := r.try(ctx, k.serves); err != nil {
		k.fail("invoke", err.Error(), "")
		return
	}
	k.say("ok", "invoke", "it answers; there is no Function URL")
}
