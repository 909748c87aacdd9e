package deployment

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kyc-ocr-relay/internal/archive"
)

// Plan is what is to be done, in order, and what stays as it is.
type Plan struct {
	name, region string
	kind         archive.Kind
	steps        []step
	left         []string
	notes        []string

	state  *state // what is there; its alias and triggers follow the steps
	config Config // of a deployment
	routed bool   // a step has changed where the traffic goes
}

// step is one thing to do.
type step struct {
	sign   string // + for what is made, ~ for what is changed
	text   string
	detail []string
	do     func(context.Context, *run) error
}

// Empty reports whether nothing is to be done.
func (p *Plan) Empty() bool { return len(p.steps) == 0 }

// Title names the function.
func (p *Plan) Title() string { return fmt.Sprintf("%s function %s in %s", p.kind, p.name, p.region) }

// String is the plan as text. It names variables and shows no value.
func (p *Plan) String() string {
	var b strings.Builder
	fmt.Fprintln(&b, p.Title())
	for _, s := range p.steps {
		fmt.Fprintf(&b, "  %s %s\n", s.sign, s.text)
		for _, line := range s.detail {
			fmt.Fprintf(&b, "      %s\n", line)
		}
	}
	for _, text := range p.left {
		fmt.Fprintf(&b, "  = %s\n", text)
	}
	for _, text := range p.notes {
		fmt.Fprintf(&b, "  ! %s\n", text)
	}
	return b.String()
}

func (p *Plan) add(sign, text string, do func(context.Context, *run) error, detail ...string) {
	p.steps = append(p.steps, step{sign, text, detail, do})
}

func (p *Plan) leave(format string, args ...any) {
	p.left = append(p.left, fmt.Sprintf(format, args...))
}
func (p *Plan) note(format string, args ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

// Plan compares what is there with what is wanted.
func (c *Client) Plan(ctx context.Context, want Config) (*Plan, error) {
	want, err := want.check()
	if err != nil {
		return nil, err
	}
	c.conceal(hidden(want.Environment.Values)...)
	s, err := c.look(ctx, want.Name)
	if err != nil {
		return nil, err
	}
	p := &Plan{name: want.Name, region: c.account.Region, kind: want.Kind, state: s, config: want}
	if err := p.possible(); err != nil {
		return nil, err
	}
	p.planFunction()
	target := p.planVersion()
	to := p.wantedAlias(target)
	if serving := p.state.alias; want.Kind == archive.Event && target != serving.main && target != serving.additional {
		p.add("+", "ask "+word(target)+" for /healthz before it gets traffic", func(ctx context.Context, r *run) error { return r.try(ctx, target) })
	}
	p.planAlias(to)
	p.planTriggers()
	for _, name := range want.Environment.Ignored {
		p.note("%s is not a variable of the function: ignored", name)
	}
	switch store := want.Environment.Values["TICKET_STORE"]; {
	case want.Environment.Values["SECRET_SOURCE"] != "" && store == "": // it may be in there
	case store == "", store == "memory":
		p.note("TICKET_STORE is memory: every instance fetches a pair of its own, which ends the others'. Share one where there may be several")
	case strings.HasPrefix(store, "file:"):
		p.note("TICKET_STORE is a folder: instances share it only where it is on a mounted file system, not in /tmp")
	}
	return p, nil
}

// possible reports what no step can get over.
func (p *Plan) possible() error {
	s, want := p.state, p.config
	role := want.Role
	if s.latest != nil {
		role = cmp.Or(role, s.latest.role)
		if s.latest.typ != typ(want.Kind) {
			return fmt.Errorf("%s exists as a function of type %s, and a type cannot be changed: choose another -name, or delete it in the console", want.Name, s.latest.typ)
		}
		if s.latest.status == "CreateFailed" {
			return &Error{Action: "GetFunction", Code: s.latest.status, Message: s.latest.reason}
		}
	}
	if variable := want.Environment.needsRole(); variable != "" && role == "" {
		return fmt.Errorf("%s needs an execution role: -role NAME", variable)
	}
	if n := size(p.environment()); n > environmentLimit {
		return fmt.Errorf("the variables have %d bytes, names and values together, and the platform takes %d: move some to SECRET_SOURCE", n, environmentLimit)
	}
	return nil
}

// environment is what the function is to have: our variables, and those that other tools set.
func (p *Plan) environment() map[string]string {
	all := maps.Clone(p.config.Environment.Values)
	if all == nil {
		all = map[string]string{}
	}
	if p.state.latest != nil {
		for name, value := range p.state.latest.environment {
			if !isOurs(name) {
				all[name] = value
			}
		}
	}
	return all
}

func (p *Plan) description() string { return describe(p.config.Zip, p.kind == archive.Event) }

func named(label, text string) string {
	if text == "" {
		return ""
	}
	return label + text
}

func list(values map[string]string) string {
	if len(values) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(values)), ", ")
}
