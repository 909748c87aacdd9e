package deployment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"kyc-ocr-relay/internal/archive"
)

// wantedAlias decides where the traffic is to go.
func (p *Plan) wantedAlias(target string) alias {
	now := p.state.alias
	if p.live() && target == fresh && p.changed() {
		now.main = keptVersion // by the first step
	}
	first := p.state.latest == nil || now.main == latest
	switch {
	case first, now.main == target:
		return alias{main: target, previous: now.previous}
	case p.config.Canary > 0:
		return alias{main: now.main, additional: target, weight: float64(p.config.Canary) / 100, previous: now.previous}
	}
	n, _ := strconv.Atoi(now.main) // 0 where the first step tells
	return alias{main: target, previous: n}
}

// planAlias moves the traffic.
func (p *Plan) planAlias(want alias) {
	now := p.state.alias
	if now.main == want.main && now.additional == want.additional && now.weight == want.weight {
		p.leave("traffic: %s", now)
		if p.config.Canary > 0 && now.additional == "" {
			p.note("-canary: version %s has all of the traffic already", now.main)
		}
		return
	}
	text := "traffic: " + want.String()
	if p.state.latest != nil && now.main != latest {
		text += " instead of " + now.String()
	}
	p.add("~", text, func(ctx context.Context, r *run) error { return r.route(ctx, want) })
}

// word is a version in words.
func word(version string) string {
	switch version {
	case fresh:
		return "the new version"
	case keptVersion:
		return "the version that runs now"
	case latest:
		return version
	}
	return "version " + version
}

func (a alias) String() string {
	if a.additional == "" {
		return word(a.main)
	}
	return fmt.Sprintf("%s, and %g %% to %s", word(a.main), a.weight*100, word(a.additional))
}

// Rollback plans to send all traffic back: to the main version while a canary runs, otherwise to the
// version that was the main one before.
func (c *Client) Rollback(ctx context.Context, name string, kind archive.Kind) (*Plan, error) {
	s, err := c.look(ctx, name)
	if err != nil {
		return nil, err
	}
	if s.latest == nil {
		return nil, fmt.Errorf("there is no function %s in %s", name, c.account.Region)
	}
	p := &Plan{name: name, region: c.account.Region, kind: kind, state: s}
	want := alias{main: s.alias.main, previous: s.alias.previous}
	if s.alias.additional == "" {
		if want, err = s.back(); err != nil {
			return nil, err
		}
	}
	p.planAlias(want)
	p.note("a version has the variables that it was published with: a secret or token changed since is the old one again")
	return p, nil
}

// back returns where the traffic was before.
func (s *state) back() (alias, error) {
	main, err := strconv.Atoi(s.alias.main)
	if err != nil {
		return alias{}, errors.New("the traffic goes to $LATEST: there is no version to go back to")
	}
	to := s.alias.previous
	if to == main || !slices.Contains(s.numbers, to) {
		to = 0
		for _, n := range s.numbers {
			if n < main {
				to = max(to, n)
			}
		}
	}
	if to == 0 {
		return alias{}, fmt.Errorf("there is no version before version %d", main)
	}
	return alias{main: strconv.Itoa(to)}, nil
}
