package deploy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
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

// environment is what the function is to have: our variables, and those that somebody else set.
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

// planFunction makes the function, or changes what differs.
func (p *Plan) planFunction() {
	want, f := p.config, p.state.latest
	if f == nil {
		p.planCreation()
		return
	}
	changes := p.changes()
	newCode := code(f.description) != code(p.description())
	if (newCode || len(changes) > 0) && p.live() {
		p.add("+", "publish what runs now as a version, and let $DEFAULT point to it: the steps below reach nobody until they are done",
			func(ctx context.Context, r *run) error { return r.keep(ctx) })
	}
	if newCode {
		text := fmt.Sprintf("code: %s, sha256 %.12s…", megabytes(len(want.Zip)), code(p.description()))
		if old := code(f.description); old != "" {
			text += fmt.Sprintf(" instead of %.12s…", old)
		}
		p.add("~", text, func(ctx context.Context, r *run) error { return r.updateCode(ctx, len(changes) == 0) })
	} else {
		p.leave("code, sha256 %.12s…", code(f.description))
	}
	if len(changes) > 0 {
		p.add("~", "configuration", func(ctx context.Context, r *run) error { return r.updateConfiguration(ctx) }, changes...)
	} else {
		p.leave("configuration: %d MB, %d s%s", f.memory, f.timeout, named(", role ", f.role))
		p.leave("variables: %s", list(f.environment))
	}
}

func (p *Plan) planCreation() {
	want := p.config
	detail := []string{
		fmt.Sprintf("runtime Go1, %d MB, %d s%s", want.Memory, want.Timeout, named(", role ", want.Role)),
		fmt.Sprintf("code: %s, sha256 %.12s…", megabytes(len(want.Zip)), code(p.description())),
	}
	for _, name := range slices.Sorted(maps.Keys(want.Environment.Values)) {
		detail = append(detail, fmt.Sprintf("+ %s, from %s", name, want.Environment.From[name]))
	}
	p.add("+", "the function", func(ctx context.Context, r *run) error { return r.create(ctx) }, detail...)
	if p.kind == archive.Event {
		p.add("~", "keep return values, which hold personal data, out of the platform's log",
			func(ctx context.Context, r *run) error { return r.updateConfiguration(ctx) })
	}
}

// changes lists how the configuration differs, variables by name.
func (p *Plan) changes() (changes []string) {
	want, f := p.config, p.state.latest
	differs := func(what string, is, wanted int64, unit string) {
		if is != wanted {
			changes = append(changes, fmt.Sprintf("%s: %d instead of %d %s", what, wanted, is, unit))
		}
	}
	differs("memory", f.memory, want.Memory, "MB")
	differs("timeout", f.timeout, want.Timeout, "s")
	if want.Role != "" && want.Role != f.role {
		changes = append(changes, "role: "+want.Role+named(" instead of ", f.role))
	}
	if p.kind == archive.Event && !strings.HasSuffix(f.description, quiet) {
		changes = append(changes, "keep return values, which hold personal data, out of the platform's log")
	}
	all := p.environment()
	names := maps.Clone(all)
	maps.Copy(names, f.environment)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		is, there := f.environment[name]
		wanted, stays := all[name]
		switch {
		case !there:
			changes = append(changes, fmt.Sprintf("+ %s, from %s", name, want.Environment.From[name]))
		case !stays:
			changes = append(changes, "- "+name)
		case is != wanted:
			changes = append(changes, fmt.Sprintf("~ %s, from %s", name, want.Environment.From[name]))
		}
	}
	return changes
}

// Versions that steps are going to publish.
const (
	fresh       = "new"
	keptVersion = "kept"
)

// planVersion returns the version that is to have the traffic.
func (p *Plan) planVersion() string {
	if p.Empty() && p.published() {
		p.leave("version %d has all this", p.state.newest)
		return strconv.Itoa(p.state.newest)
	}
	p.add("+", "publish a version", func(ctx context.Context, r *run) error { return r.publish(ctx) })
	return fresh
}

// published reports whether the newest version is what is wanted, as $LATEST is already.
func (p *Plan) published() bool {
	f, v := p.state.latest, p.state.version
	return v != nil && v.memory == f.memory && v.timeout == f.timeout && v.role == f.role &&
		v.description == f.description && maps.Equal(v.environment, f.environment)
}

// live reports whether $LATEST itself has traffic, as other tools leave it.
func (p *Plan) live() bool {
	s := p.state
	return s.latest != nil && s.alias.main == latest && (s.url != nil || s.timer != nil || len(s.others) > 0)
}

// changed reports whether the function itself is to be changed.
func (p *Plan) changed() bool {
	return code(p.state.latest.description) != code(p.description()) || len(p.changes()) > 0
}

func (p *Plan) planTriggers() {
	switch s := p.state; {
	case s.url == nil && p.loggedURL():
		p.leave("no Function URL: the platform logs what an event function answers, card numbers and photos among it. For HTTP deploy -kind web; -event-url makes one all the same")
	case s.url == nil && p.openToAll():
		p.leave("no Function URL: with CALLER_AUTH=none everybody who finds it could ask for personal data. -open makes one all the same")
	case s.url == nil:
		p.add("+", "the Function URL, open to the internet"+p.checked(),
			func(ctx context.Context, r *run) error { return r.createURL(ctx) })
	case s.url.open() == "":
		p.leave("the Function URL, which is not open to everybody (%s): left as somebody configured it", cmp.Or(s.url.address().AuthType, "disabled"))
	default:
		p.leave("the Function URL %s", s.url.open())
	}
	if p.kind == archive.Event {
		switch s := p.state; {
		case s.timer == nil:
			p.add("+", "the timer renew, every 5 minutes: token and ticket are renewed while nobody waits",
				func(ctx context.Context, r *run) error { return r.createTimer(ctx) })
		case !s.timer.fires():
			p.add("~", "the timer renew: on, every 5 minutes",
				func(ctx context.Context, r *run) error { return r.updateTimer(ctx) })
		default:
			p.leave("the timer renew, every 5 minutes")
		}
	}
	for _, other := range p.state.others {
		p.leave("%s: not ours", other)
	}
	if p.state.url != nil && p.state.url.open() != "" && p.loggedURL() {
		p.note("%s", loggedURL)
	}
	if p.config.Environment.Values["CALLER_AUTH"] == "none" && (p.state.url != nil || !p.openToAll() && !p.loggedURL()) {
		p.note("CALLER_AUTH is none: everybody who finds the URL can ask")
	}
}

// loggedURL warns of a Function URL that nobody asked for on the command line.
const loggedURL = "the event function has a Function URL: the platform logs what it answers there, card numbers and photos among it. " +
	"Serve HTTP with -kind web, and delete the trigger in the console; -event-url says that it is wanted"

// loggedURL reports whether a Function URL would have its answers logged, and is not wanted.
func (p *Plan) loggedURL() bool { return p.kind == archive.Event && !p.config.EventURL }

func (p *Plan) checked() string {
	if p.config.Environment.Values["CALLER_AUTH"] == "none" {
		return " and to everybody who finds it"
	}
	return ": the function checks its callers' tokens"
}

// openToAll reports whether everybody could ask at a Function URL, and that is not wanted.
func (p *Plan) openToAll() bool {
	return p.config.Environment.Values["CALLER_AUTH"] == "none" && !p.config.Open
}

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
