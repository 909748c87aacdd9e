package apitest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
)

// trigger is a Function URL (http) or a timer.
type trigger struct {
	name, kind, desc, qualifier string
	enabled                     bool
}

type triggerIn struct {
	FunctionName, TriggerName, Type, TriggerDesc, Qualifier, Enable string
}

// desc is a Function URL's configuration, in requests and in answers.
type desc struct {
	AuthType  string
	NetConfig struct {
		EnableIntranet, EnableExtranet bool
		ExtranetUrl, IntranetUrl       string `json:",omitempty"`
	}
	CorsConfig json.RawMessage `json:",omitempty"`
}

func (s *Server) createTrigger(c *call) (any, error) {
	var in triggerIn
	f, err := s.idle(c, &in, &in.FunctionName)
	if err != nil {
		return nil, err
	}
	for _, t := range f.triggers {
		if t.name == in.TriggerName || t.kind == "http" && in.Type == "http" && t.qualifier == in.Qualifier {
			return nil, refuse("ResourceInUse.Trigger", "the trigger exists")
		}
	}
	t := &trigger{name: in.TriggerName, kind: in.Type, qualifier: in.Qualifier}
	if err := t.set(&in); err != nil {
		return nil, err
	}
	f.triggers = append(f.triggers, t)
	return map[string]any{"TriggerInfo": map[string]any{"TriggerName": t.name, "Type": t.kind}}, nil
}

func (s *Server) updateTrigger(c *call) (any, error) {
	var in triggerIn
	f, err := s.idle(c, &in, &in.FunctionName)
	if err != nil {
		return nil, err
	}
	for _, t := range f.triggers {
		if t.name == in.TriggerName && t.kind == in.Type && t.qualifier == in.Qualifier {
			return nil, t.set(&in)
		}
	}
	return nil, refuse("ResourceNotFound.Trigger", "no trigger %s", in.TriggerName)
}

func (t *trigger) set(in *triggerIn) error {
	if in.Qualifier != "$DEFAULT" && in.Qualifier != "$LATEST" {
		return refuse("InvalidParameterValue.Qualifier", "Qualifier")
	}
	if in.Enable != "OPEN" && in.Enable != "CLOSE" {
		return refuse("InvalidParameterValue.Enable", "Enable")
	}
	switch in.Type {
	case "timer":
		if len(strings.Fields(in.TriggerDesc)) != 7 {
			return refuse("InvalidParameterValue.TriggerDesc", "a cron expression has 7 fields")
		}
		cron, err := json.Marshal(map[string]string{"cron": in.TriggerDesc})
		if err != nil {
			panic(err) // a string
		}
		t.desc = string(cron)
	case "http":
		var d desc
		if err := json.Unmarshal([]byte(in.TriggerDesc), &d); err != nil || d.AuthType != "NONE" && d.AuthType != "CAM" {
			return refuse("InvalidParameterValue.TriggerDesc", "TriggerDesc")
		}
		t.desc = in.TriggerDesc
	default:
		return refuse("InvalidParameterValue.Type", "only timer and http are known here")
	}
	t.enabled = in.Enable == "OPEN"
	return nil
}

// AddTrigger makes a trigger that is there already, as some other tool left it.
func (s *Server) AddTrigger(function, name, kind, desc, qualifier string, enabled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[function]
	f.triggers = append(f.triggers, &trigger{name, kind, desc, qualifier, enabled})
}

func (s *Server) listTriggers(c *call) (any, error) {
	var in struct {
		FunctionName  string
		Offset, Limit int
	}
	f, err := s.find(c, &in, &in.FunctionName)
	if err != nil {
		return nil, err
	}
	all := []map[string]any{}
	for _, t := range f.triggers {
		told := t.desc
		if t.kind == "http" {
			var d desc
			if err := json.Unmarshal([]byte(t.desc), &d); err != nil {
				panic(err) // set has read it
			}
			if d.NetConfig.EnableExtranet {
				d.NetConfig.ExtranetUrl = "http://" + c.host + urlPath + in.FunctionName
			}
			data, err := json.Marshal(d)
			if err != nil {
				panic(err)
			}
			told = string(data)
		}
		enable := 0
		if t.enabled {
			enable = 1
		}
		all = append(all, map[string]any{
			"TriggerName": t.name, "Type": t.kind, "TriggerDesc": told, "Qualifier": t.qualifier, "Enable": enable, "AvailableStatus": "Available",
		})
	}
	return map[string]any{"Triggers": all, "TotalCount": len(all)}, nil
}

// urlPath is where the Function URLs are.
const urlPath = "/url/"

// functionURL splits the path of a Function URL.
func functionURL(path string) (name, rest string, ok bool) {
	path, ok = strings.CutPrefix(path, urlPath)
	name, rest, _ = strings.Cut(path, "/")
	return name, "/" + rest, ok
}

// serveFunction hands a request to the version that $DEFAULT routes it to.
func (s *Server) serveFunction(w http.ResponseWriter, r *http.Request, name, rest string) {
	version, ok := s.route(name)
	if !ok {
		http.Error(w, "no Function URL here", http.StatusNotFound)
		return
	}
	if s.config.Start == nil {
		return
	}
	h, err := s.config.Start(version)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	to := *r.URL
	to.Path, to.RawPath = rest, ""
	to.RawPath = strings.TrimPrefix(r.URL.EscapedPath(), urlPath+name)
	r = r.Clone(r.Context())
	r.URL, r.RequestURI = &to, to.RequestURI()
	h.ServeHTTP(w, r)
}

func (s *Server) route(name string) (Version, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[name]
	if f == nil {
		return Version{}, false
	}
	for _, t := range f.triggers {
		if t.kind != "http" || !t.enabled || t.qualifier != "$DEFAULT" {
			continue
		}
		to := f.alias.main
		if f.requests++; float64(f.requests%100) < f.alias.weight*100 {
			to = f.alias.additional
		}
		if p, err := f.version(to); err == nil {
			return p.version.clone(), true
		}
		return f.latest.clone(), true
	}
	return Version{}, false
}

// invoke hands an HTTP event to a version of an event function.
func (s *Server) invoke(c *call) (any, error) {
	var in struct{ FunctionName, Qualifier, InvocationType, ClientContext string }
	f, err := s.find(c, &in, &in.FunctionName)
	if err != nil {
		return nil, err
	}
	p, err := f.version(in.Qualifier)
	if err != nil {
		return nil, err
	}
	if p.state != "Active" || p.version.Type != "Event" {
		return nil, refuse("FailedOperation.FunctionStatusError", "version %s is %s", p.name, p.state)
	}
	var event struct{ HTTPMethod, Path string }
	if err := json.Unmarshal([]byte(in.ClientContext), &event); err != nil || event.HTTPMethod == "" {
		return nil, refuse("InvalidParameterValue.ClientContext", "only HTTP events are known here")
	}
	w := httptest.NewRecorder()
	if s.config.Start != nil {
		h, err := s.config.Start(p.version.clone())
		if err != nil {
			return map[string]any{"Result": map[string]any{"RetMsg": "", "ErrMsg": err.Error(), "InvokeResult": 1}}, nil
		}
		h.ServeHTTP(w, httptest.NewRequest(event.HTTPMethod, event.Path, nil))
	}
	answer, err := json.Marshal(map[string]any{"statusCode": w.Code, "body": w.Body.String()})
	if err != nil {
		panic(err) // a number and a string
	}
	return map[string]any{"Result": map[string]any{"RetMsg": string(answer), "InvokeResult": 0}}, nil
}
