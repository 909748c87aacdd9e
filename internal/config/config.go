// Package config reads the function's settings, from the environment and from the secret that
// SECRET_SOURCE names, into a checked Config.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// App is one WBappid and its secret.
type App struct {
	ID     string
	Secret secret.Text
	Next   secret.Text // that replaces it, while they are being changed; empty: none
}

// Config is the whole configuration, checked.
type Config struct {
	Apps       []App  // at least one, each id once
	DefaultApp string // what a request without app_id gets; "" where it has to name one

	BaseURL *url.URL      // the upstream: https, or http on loopback; no trailing slash
	Timeout time.Duration // one upstream call; see checkTimes for what it, Refresh and Overlap may be

	Refresh time.Duration // age at which token and ticket are renewed
	Overlap time.Duration // how long the previous pair lives on; less than Refresh
	Store   Location      // where instances share the pair; Scheme "memory" means they do not

	Callers     []Caller // empty only where NoAuth
	NoAuth      bool     // something in front of the function authenticates
	RoutePrefix string   // "" or "/segment…", without a trailing slash

	DeliverTo     []Location // sinks for results after OCR
	DeliverSecret secret.Text

	SecretSource Location // Scheme "" where there is none

	LogLevel slog.Level
}

// Location is a URL that may hold a password.
type Location struct {
	Scheme string // for choosing a driver and for the log
	URL    secret.Text
}

func (env *environment) parse() (Config, error) {
	var p problems
	c := Config{
		BaseURL:       parseBaseURL(&p, env.BaseURL),
		Timeout:       parseDuration(&p, "KYC_TIMEOUT", env.Timeout),
		Refresh:       parseDuration(&p, "TICKET_REFRESH", env.Refresh),
		Overlap:       parseDuration(&p, "TICKET_OVERLAP", env.Overlap),
		Store:         parseStore(&p, env.Store),
		RoutePrefix:   parsePrefix(&p, env.RoutePrefix),
		DeliverTo:     parseSinks(&p, env.DeliverTo),
		DeliverSecret: secret.New(env.DeliverSecret),
		SecretSource:  parseSecretSource(&p, env.SecretSource),
		LogLevel:      parseLevel(&p, env.LogLevel),
	}
	c.Apps, c.DefaultApp = parseApps(&p, env)
	c.Callers, c.NoAuth = parseCallers(&p, env)
	c.grant(&p, env)

	checkTimes(&p, c)
	for _, sink := range c.DeliverTo {
		if (sink.Scheme == "https" || sink.Scheme == "http") && env.DeliverSecret == "" {
			p.add("DELIVER_SECRET", "required where DELIVER_TO has a webhook")
			break
		}
	}
	if len(p) > 0 {
		return Config{}, errors.Join(p...)
	}
	return c, nil
}

type problems []error

func (p *problems) add(variable, format string, args ...any) {
	*p = append(*p, fmt.Errorf(variable+": "+format, args...))
}

func parseApps(p *problems, env *environment) (apps []App, byDefault string) {
	// KYC_APPS alone is enough; the pair is asked for where there is neither.
	if env.AppID != "" || env.Secret != "" || env.Apps == "" {
		for _, v := range [...]struct{ name, value string }{{"KYC_APP_ID", env.AppID}, {"KYC_SECRET", env.Secret}} {
			if v.value == "" {
				p.add(v.name, "required")
			}
		}
		if env.AppID != "" && !isName(env.AppID) {
			p.add("KYC_APP_ID", "must be 1 to 64 letters, digits, - or _")
		}
		apps = append(apps, App{ID: env.AppID, Secret: secret.New(env.Secret)})
	}
	for i, entry := range list(env.Apps) {
		id, value, ok := strings.Cut(entry, ":")
		id, value = strings.TrimSpace(id), strings.TrimSpace(value)
		known := slices.IndexFunc(apps, func(a App) bool { return a.ID == id })
		switch {
		case !ok || value == "" || !isName(id):
			p.add("KYC_APPS", "entry %d must be appid:secret", i+1)
		case known < 0:
			apps = append(apps, App{ID: id, Secret: secret.New(value)})
		case apps[known].Secret.Equal(secret.New(value)):
			p.add("KYC_APPS", "entry %d repeats an app and its secret", i+1)
		case !apps[known].Next.IsEmpty():
			p.add("KYC_APPS", "entry %d is a third secret of an app: it may have two, while one replaces the other", i+1)
		default:
			apps[known].Next = secret.New(value)
		}
	}
	if env.Apps != "" && len(list(env.Apps)) == 0 {
		p.add("KYC_APPS", "must be appid:secret,appid:secret")
	}
	if env.AppID == "" && len(apps) == 1 {
		return apps, apps[0].ID
	}
	return apps, env.AppID
}

// list splits at commas and drops what is empty.
func list(s string) (entries []string) {
	for entry := range strings.SplitSeq(s, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			entries = append(entries, entry)
		}
	}
	return entries
}

// isName reports whether s can stand in a path, a key and a log line as it is.
func isName(s string) bool {
	return len(s) >= 1 && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-' && r != '_'
	})
}
