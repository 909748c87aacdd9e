package apitest

import (
	"maps"
	"regexp"
	"slices"
	"time"
)

// Version is a function as it is at one time: $LATEST, or a published version.
type Version struct {
	Name        string // of the function
	Type        string // Event or HTTP
	Runtime     string
	Handler     string
	Description string
	Memory      int64
	Timeout     int64
	Role        string
	Environment map[string]string
	Zip         []byte
	// IgnoreSysLog is write-only in the API.
	IgnoreSysLog bool
}

func (v Version) clone() Version {
	v.Environment = maps.Clone(v.Environment)
	return v
}

// function is all of a function. Its latest version changes, the published ones do not.
type function struct {
	latest    Version
	state     string // Creating, Updating, Active, …
	polls     int    // looks until state is Active
	published []publication
	alias     alias // $DEFAULT
	triggers  []*trigger
	requests  int // to its URL
}

// Function returns the latest version of a function, its published ones by name, and what
// $DEFAULT points to: the main version, and the additional one with its weight.
func (s *Server) Function(name string) (latest Version, published map[string]Version, main, additional string, weight float64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[name]
	if f == nil {
		return Version{}, nil, "", "", 0, false
	}
	published = map[string]Version{}
	for _, p := range f.published {
		published[p.name] = p.version.clone()
	}
	return f.latest.clone(), published, f.alias.main, f.alias.additional, f.alias.weight, true
}

// Put makes a function that is there already, as some other tool left it.
func (s *Server) Put(v Version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.functions[v.Name] = &function{latest: v.clone(), state: "Active", alias: alias{main: "$LATEST"}}
}

// find reads the parameters into in, of which name is one, and returns the function of that name, or refuses.
func (s *Server) find(c *call, in any, name *string) (*function, error) {
	if err := c.decode(in); err != nil {
		return nil, err
	}
	if f := s.functions[*name]; f != nil {
		return f, nil
	}
	return nil, refuse("ResourceNotFound.Function", "no function %s", *name)
}

// idle is find, and refuses where a change of the function is not done.
func (s *Server) idle(c *call, in any, name *string) (*function, error) {
	f, err := s.find(c, in, name)
	if err == nil && f.state != "Active" {
		return nil, refuse("FailedOperation.FunctionStatusError", "the function is %s", f.state)
	}
	return f, err
}

// change puts the function into a state of transition.
func (s *Server) change(f *function, state string) {
	f.state, f.polls = state, s.config.Polls
	f.settle()
}

// settle ends a transition after its looks.
func (f *function) settle() {
	if f.polls == 0 {
		f.state = "Active"
	}
}

func (s *Server) createFunction(c *call) (any, error) {
	var in struct {
		FunctionName, Handler, Description, Runtime, Role, Type, CodeSource string
		Code                                                                *code
		MemorySize, Timeout                                                 int64
		Environment                                                         *environment
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if !functionName.MatchString(in.FunctionName) {
		return nil, refuse("InvalidParameterValue.FunctionName", "FunctionName")
	}
	if s.functions[in.FunctionName] != nil {
		return nil, refuse("ResourceInUse.FunctionName", "the function exists")
	}
	if in.Code == nil || in.CodeSource != "" && in.CodeSource != "ZipFile" {
		return nil, refuse("MissingParameter.Code", "Code")
	}
	if in.Runtime != "Go1" || in.Handler != "main" || in.Type != "Event" && in.Type != "HTTP" {
		return nil, refuse("InvalidParameterValue.Runtime", "only Go1 with the handler main, Event or HTTP, is run here")
	}
	v := Version{Name: in.FunctionName, Type: in.Type, Runtime: in.Runtime, Handler: in.Handler, Memory: 128, Timeout: 3}
	if err := v.setCode(in.Code.ZipFile); err != nil {
		return nil, err
	}
	if err := s.configure(&v, &in.Description, &in.MemorySize, &in.Timeout, in.Environment, &in.Role); err != nil {
		return nil, err
	}
	f := &function{latest: v, alias: alias{main: "$LATEST"}}
	s.change(f, "Creating")
	s.functions[in.FunctionName] = f
	return nil, nil
}

func (s *Server) getFunction(c *call) (any, error) {
	var in struct{ FunctionName, Qualifier, ShowCode string }
	f, err := s.find(c, &in, &in.FunctionName)
	if err != nil {
		return nil, err
	}
	state, version, name := f.state, f.latest, "$LATEST"
	if in.Qualifier != "" && in.Qualifier != "$LATEST" {
		p, err := f.version(in.Qualifier)
		if err != nil {
			return nil, err
		}
		state, version, name = p.state, p.version, p.name
		p.look()
	} else {
		f.polls = max(0, f.polls-1)
		f.settle()
	}
	variables := []variable{}
	for _, key := range slices.Sorted(maps.Keys(version.Environment)) {
		variables = append(variables, variable{key, version.Environment[key]})
	}
	return map[string]any{
		"FunctionName": version.Name, "FunctionVersion": name, "Type": version.Type, "Runtime": version.Runtime,
		"Handler": version.Handler, "Description": version.Description, "MemorySize": version.Memory,
		"Timeout": version.Timeout, "Role": version.Role, "Status": state, "StatusDesc": "", "CodeSize": len(version.Zip),
		"Environment": environment{variables}, "Namespace": "default", "ModTime": time.Unix(0, 0).UTC().Format(time.DateTime),
	}, nil
}

var (
	functionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,58}[A-Za-z0-9]$`)
	variableName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]*$`)
	// A description has letters, digits, spaces, commas, line breaks and full stops (CreateFunction).
	description = regexp.MustCompile(`^[\p{L}\p{N} ,\n.]{0,1000}$`)
)
