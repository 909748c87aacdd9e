package deployment

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"kyc-ocr-relay/internal/archive"
)

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
