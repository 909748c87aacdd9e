package config

import (
	"slices"
	"strings"

	"kyc-ocr-relay/internal/secret"
)

// Caller is somebody who may use the function. Its zero value may do what a caller may who is
// not named in CALLER_SCOPES and CALLER_APPS.
type Caller struct {
	Name  string // for the log
	Token secret.Text

	Scopes []Scope  // what it may do; nil: all but Ticket
	Apps   []string // for which apps; nil: all
}

// Scope is something that a caller may do.
type Scope string

// The scopes.
const (
	OCR    Scope = "ocr"    // results of an OCR, pictures to be recognised
	Face   Scope = "face"   // results of a face verification
	Start  Scope = "start"  // of a client's flow
	Check  Scope = "check"  // of what came back through a front end
	Ticket Scope = "ticket" // token and tickets, for servers that sign themselves: must be granted
)

var scopes = []Scope{OCR, Face, Start, Check, Ticket}

// May reports whether the caller has a scope.
func (c *Caller) May(s Scope) bool {
	if c.Scopes == nil {
		return s != Ticket
	}
	return slices.Contains(c.Scopes, s)
}

// MayUse reports whether the caller may use an app.
func (c *Caller) MayUse(appID string) bool {
	return c.Apps == nil || slices.Contains(c.Apps, appID)
}

func parseCallers(p *problems, env *environment) (callers []Caller, noAuth bool) {
	switch env.CallerAuth {
	case "none":
		return nil, true
	case "token":
	default:
		p.add("CALLER_AUTH", "must be token or none")
		return nil, false
	}
	entries := list(env.CallerTokens)
	if len(entries) == 0 {
		p.add("CALLER_TOKENS", "required with CALLER_AUTH=token, as name:token,name:token")
	}
	for i, entry := range entries {
		name, token, ok := strings.Cut(entry, ":")
		name, token = strings.TrimSpace(name), strings.TrimSpace(token)
		switch {
		case !ok || !isName(name):
			p.add("CALLER_TOKENS", "entry %d must be name:token, the name of 1 to 64 letters, digits, - or _", i+1)
		case len(token) < 16:
			p.add("CALLER_TOKENS", "entry %d: the token must have 16 characters or more", i+1)
		case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
			p.add("CALLER_TOKENS", "entry %d: the token must be printable ASCII without spaces", i+1)
		default:
			callers = append(callers, Caller{Name: name, Token: secret.New(token)})
		}
	}
	return callers, false
}

// grant gives the callers what CALLER_SCOPES and CALLER_APPS say.
func (c *Config) grant(p *problems, env *environment) {
	for name, values := range c.grants(p, "CALLER_SCOPES", env.CallerScopes, "scope") {
		granted := []Scope{}
		for _, value := range values {
			if !slices.Contains(scopes, Scope(value)) {
				p.add("CALLER_SCOPES", "caller %s has an unknown scope: ocr, face, start, check and ticket are known", name)
				continue
			}
			granted = append(granted, Scope(value))
		}
		c.each(name, func(of *Caller) { of.Scopes = granted })
	}
	for name, values := range c.grants(p, "CALLER_APPS", env.CallerApps, "appid") {
		for _, value := range values {
			if !slices.ContainsFunc(c.Apps, func(a App) bool { return a.ID == value }) {
				p.add("CALLER_APPS", "caller %s has an app that is neither KYC_APP_ID nor in KYC_APPS", name)
			}
		}
		c.each(name, func(of *Caller) { of.Apps = values })
	}
}

// grants yields the entries name:value+value of a variable. Each name is a caller's, once.
func (c *Config) grants(p *problems, variable, text, what string) func(yield func(string, []string) bool) {
	return func(yield func(string, []string) bool) {
		seen := map[string]bool{}
		for i, entry := range list(text) {
			name, rest, _ := strings.Cut(entry, ":")
			name = strings.TrimSpace(name)
			var values []string
			for value := range strings.SplitSeq(rest, "+") {
				if value = strings.TrimSpace(value); value != "" {
					values = append(values, value)
				}
			}
			switch {
			case !isName(name) || len(values) == 0:
				p.add(variable, "entry %d must be name:%s+%s", i+1, what, what)
			case !slices.ContainsFunc(c.Callers, func(of Caller) bool { return of.Name == name }):
				p.add(variable, "entry %d names a caller that CALLER_TOKENS does not have", i+1)
			case seen[name]:
				p.add(variable, "caller %s is named twice", name)
			default:
				seen[name] = true
				if !yield(name, values) {
					return
				}
			}
		}
		if text != "" && len(list(text)) == 0 {
			p.add(variable, "must be name:%s+%s,name:%s", what, what, what)
		}
	}
}

// each calls f with each entry of a caller, which may have two tokens.
func (c *Config) each(name string, f func(*Caller)) {
	for i := range c.Callers {
		if c.Callers[i].Name == name {
			f(&c.Callers[i])
		}
	}
}
