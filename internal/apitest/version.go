package apitest

import (
	"strconv"
)

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// publication is a published version.
type publication struct {
	name    string
	version Version
	state   string
	polls   int
}

func (p *publication) look() {
	if p.polls = max(0, p.polls-1); p.polls == 0 {
		p.state = "Active"
	}
}

// alias is $DEFAULT, which every function has; it cannot be deleted.
type alias struct {
	main        string
	additional  string
	weight      float64
	description string
}

func (f *function) version(name string) (*publication, error) {
	for i := range f.published {
		if f.published[i].name == name {
			return &f.published[i], nil
		}
	}
	return nil, refuse("ResourceNotFound.FunctionVersion", "no version %s", name)
}

func (s *Server) publishVersion(c *call) (any, error) {
	var in struct{ FunctionName, Description string }
	f, err := s.idle(c, &in, &in.FunctionName)
	if err != nil {
		return nil, err
	}
	if !description.MatchString(in.Description) {
		return nil, refuse("InvalidParameterValue.Description", "Description")
	}
	p := publication{name: strconv.Itoa(len(f.published) + 1), version: f.latest.clone(), state: "Publishing", polls: s.config.Polls}
	p.version.Description = in.Description
	if p.polls == 0 {
		p.state = "Active"
	}
	f.published = append(f.published, p)
	return map[string]any{"FunctionVersion": p.name}, nil
}

func (s *Server) listVersions(c *call) (any, error) {
	var in struct {
		FunctionName, Order, OrderBy string
		Offset, Limit                int
	}
	f, err := s.find(c, &in, &in.FunctionName)
	if err != nil {
		return nil, err
	}
	if in.Limit == 0 {
		in.Limit = 20
	}
	all := []map[string]string{{"Version": "$LATEST", "Status": f.state}}
	for _, p := range f.published {
		all = append(all, map[string]string{"Version": p.name, "Description": p.version.Description, "Status": p.state})
	}
	page := all[min(in.Offset, len(all)):]
	page = page[:min(in.Limit, len(page))]
	return map[string]any{"Versions": page, "TotalCount": len(all)}, nil
}

// routing without a list changes nothing, an empty list ends the additional version's share.
type routing struct {
	AdditionalVersionWeights *[]weight
}

type weight struct {
	Version string
	Weight  float64
}

func (s *Server) getAlias(c *call) (any, error) {
	var in struct{ FunctionName, Name string }
	f, err := s.find(c, &in, &in.FunctionName)
	if err != nil {
		return nil, err
	}
	if in.Name != "$DEFAULT" {
		return nil, refuse("ResourceNotFound.Alias", "no alias %s", in.Name)
	}
	var r routing
	if f.alias.additional != "" {
		r.AdditionalVersionWeights = &[]weight{{f.alias.additional, f.alias.weight}}
	}
	return map[string]any{"Name": in.Name, "FunctionVersion": f.alias.main, "Description": f.alias.description, "RoutingConfig": r}, nil
}

func (s *Server) updateAlias(c *call) (any, error) {
	var in struct {
		FunctionName, Name, FunctionVersion, Description string
		RoutingConfig                                    routing
	}
	f, err := s.find(c, &in, &in.FunctionName)
	if err != nil {
		return nil, err
	}
	if in.Name != "$DEFAULT" {
		return nil, refuse("ResourceNotFound.Alias", "no alias %s", in.Name)
	}
	to := alias{main: in.FunctionVersion, description: in.Description}
	if !description.MatchString(in.Description) {
		return nil, refuse("InvalidParameterValue.Description", "Description")
	}
	if in.RoutingConfig.AdditionalVersionWeights == nil {
		to.additional, to.weight = f.alias.additional, f.alias.weight
	}
	for _, w := range value(in.RoutingConfig.AdditionalVersionWeights) {
		if to.additional != "" || w.Version == to.main || w.Weight <= 0 || w.Weight >= 1 {
			return nil, refuse("InvalidParameterValue.AdditionalVersionWeights", "one additional version, not the main one, and a weight between 0 and 1")
		}
		to.additional, to.weight = w.Version, w.Weight
	}
	for _, name := range []string{to.main, to.additional} {
		if name == "$LATEST" || name == "" && to.main != "" {
			continue
		}
		p, err := f.version(name)
		if err != nil {
			return nil, err
		}
		if p.state != "Active" {
			return nil, refuse("FailedOperation.FunctionVersionStatusNotActive", "version %s is %s", name, p.state)
		}
	}
	f.alias = to
	return nil, nil
}
