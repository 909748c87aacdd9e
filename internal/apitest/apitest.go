// Package apitest is a local server that speaks Tencent Cloud's API 3.0 for the actions that this
// project uses: functions (scf), secrets (ssm), and who is asking (sts, cam). It serves tests and
// trials and is no part of the product.
//
// It is written from the public documents of the actions and shares no code with the SDK. It is
// stricter than the cloud where that catches a mistake of ours: every signature is derived anew, a
// parameter that it does not know is refused, a zip must hold what the runtime starts.
//
// It differs from the cloud in these ways:
//   - A change is done after Config.Polls looks at the function, not after some time.
//   - Permissions are not modelled; Fail answers any action with any code.
//   - There is one namespace, one region and one account, and no limit on calls a second.
//   - A Function URL is a path of this server, http, and shifts traffic by counting, not by chance.
//   - What the cloud's documents leave open is answered one way: GetFunction of a version tells
//     that version's description, a weight is a fraction, names and values of variables are
//     counted as they are, and an update that names no parameter leaves it as it was.
package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// requestLimit is the size of a request with this signature: 10 MB (document 1278/46710).
const requestLimit = 10 << 20

// Config describes the account. SecretID and SecretKey are required.
type Config struct {
	SecretID  string
	SecretKey string
	Token     string // of temporary credentials; "": long-lived ones

	// Polls is how many looks at a function see it in transition after a change.
	Polls int
	// Roles are the roles that exist.
	Roles []string
	// Start runs a version of a function, for its Function URL and for Invoke. It is called for every
	// request, perhaps with the Server locked. nil: every version answers 200 without a body.
	Start func(Version) (http.Handler, error)
}

// Server is the API. It is safe for concurrent use.
type Server struct {
	config Config

	mu        sync.Mutex
	now       func() time.Time
	functions map[string]*function
	secrets   map[string]string // by name@version
	faults    []fault
	calls     []string
	number    int // of requests, for their ids
}

// New returns a Server with nothing in it.
func New(c Config) *Server {
	return &Server{config: c, now: time.Now, functions: map[string]*function{}, secrets: map[string]string{}}
}

// PutSecret keeps text as a version of a secret, "SSM_Current" where none is named.
func (s *Server) PutSecret(name, version, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if version == "" {
		version = "SSM_Current"
	}
	s.secrets[name+"@"+version] = text
}

// Fail lets the next calls of action, times of them, answer code.
func (s *Server) Fail(action, code string, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, fault{action, code, times})
}

// Calls returns the actions called since the last time, in order. Looks are left out: Get… and
// List… .
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

type fault struct {
	action, code string
	times        int
}

// refusal is an error of the API.
type refusal struct{ code, message string }

func (r *refusal) Error() string { return r.code + ": " + r.message }

func refuse(code, format string, args ...any) error {
	return &refusal{code, fmt.Sprintf(format, args...)}
}

// call is a request whose signature is right.
type call struct {
	host string
	body []byte
}

// decode reads the parameters into v, and refuses those that v does not know.
func (c *call) decode(v any) error {
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return refuse("UnknownParameter", "%v", err)
	}
	return nil
}

// action answers a call; the lock is held.
type action func(*Server, *call) (any, error)

// The services, with the version of their API.
var services = map[string]struct {
	version string
	actions map[string]action
}{
	"scf": {"2018-04-16", map[string]action{
		"CreateFunction":              (*Server).createFunction,
		"UpdateFunctionCode":          (*Server).updateFunctionCode,
		"UpdateFunctionConfiguration": (*Server).updateFunctionConfiguration,
		"GetFunction":                 (*Server).getFunction,
		"PublishVersion":              (*Server).publishVersion,
		"Invoke":                      (*Server).invoke,
		"ListVersionByFunction":       (*Server).listVersions,
		"GetAlias":                    (*Server).getAlias,
		"UpdateAlias":                 (*Server).updateAlias,
		"CreateTrigger":               (*Server).createTrigger,
		"UpdateTrigger":               (*Server).updateTrigger,
		"ListTriggers":                (*Server).listTriggers,
	}},
	"ssm": {"2019-09-23", map[string]action{"GetSecretValue": (*Server).getSecretValue}},
	"sts": {"2018-08-13", map[string]action{"GetCallerIdentity": (*Server).getCallerIdentity}},
	"cam": {"2019-01-16", map[string]action{"GetRole": (*Server).getRole}},
}

// ServeHTTP answers a call of the API, or a request to a Function URL.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name, rest, ok := functionURL(r.URL.Path); ok {
		s.serveFunction(w, r, name, rest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", s.number)
	result := map[string]any{}
	answer, err := s.answer(r)
	if err != nil {
		code, message := "InternalError", err.Error()
		if refused, ok := err.(*refusal); ok {
			code, message = refused.code, refused.message
		}
		result["Error"] = map[string]string{"Code": code, "Message": message}
	} else if answer != nil {
		data, err := json.Marshal(answer)
		if err != nil {
			panic(err) // structs of ours
		}
		if err := json.Unmarshal(data, &result); err != nil {
			panic(err)
		}
	}
	result["RequestId"] = id
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"Response": result}) // the client may have gone
}

// answer checks the request as a whole and calls its action.
func (s *Server) answer(r *http.Request) (any, error) {
	if r.Method != http.MethodPost || r.URL.Path != "/" || r.URL.RawQuery != "" {
		return nil, refuse("InvalidParameter", "only POST / is spoken here, not %s %s", r.Method, r.URL.Path)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, requestLimit+1))
	if err != nil {
		return nil, refuse("InvalidParameter", "the body broke off")
	}
	if len(body) > requestLimit {
		return nil, refuse("RequestSizeLimitExceeded", "the request exceeds 10 MB")
	}
	service, err := s.verify(r, body)
	if err != nil {
		return nil, err
	}
	api, ok := services[service]
	if !ok {
		return nil, refuse("NoSuchProduct", "no service %s here", service)
	}
	name := r.Header.Get("X-TC-Action")
	act, ok := api.actions[name]
	if !ok {
		return nil, refuse("InvalidAction", "no action %s here", name)
	}
	if version := r.Header.Get("X-TC-Version"); version != api.version {
		return nil, refuse("NoSuchVersion", "%s is of version %s, not %s", service, api.version, version)
	}
	if r.Header.Get("X-TC-Region") == "" {
		return nil, refuse("MissingParameter", "X-TC-Region")
	}
	if !strings.HasPrefix(name, "Get") && !strings.HasPrefix(name, "List") {
		s.calls = append(s.calls, name)
	}
	for i := range s.faults {
		if f := &s.faults[i]; f.action == name && f.times > 0 {
			f.times--
			return nil, refuse(f.code, "as the test wants")
		}
	}
	return act(s, &call{r.Host, body})
}
