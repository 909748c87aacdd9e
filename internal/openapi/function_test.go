package openapi_test

import (
	"cmp"
	"context"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/openapi"
	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/internal/testmain"
)

const (
	appID        = "IDAtest1"
	callerToken  = "test-token-0123456789"
	limitedToken = "test-token-9876543210" // of a caller who may have token and ticket, and nothing else
)

// folder has the function's binary.
var folder testmain.Folder

func TestMain(m *testing.M) { testmain.Run(m, &folder) }

// function is either kind of function in the local runtime.
type function interface {
	http.Handler
	Close() error
}

// transports are the ways from a caller to the function.
var transports = map[string]func(context.Context, gateway.Config) (function, error){
	"web":          func(ctx context.Context, c gateway.Config) (function, error) { return gateway.StartWeb(ctx, c) },
	"Function URL": func(ctx context.Context, c gateway.Config) (function, error) { return gateway.StartEvent(ctx, c) },
	"API Gateway": func(ctx context.Context, c gateway.Config) (function, error) {
		c.Shape = gateway.APIGateway
		return gateway.StartEvent(ctx, c)
	},
}

// A world is what is particular about a function and its upstream.
const (
	usual         = ""
	misconfigured = "misconfigured"
	wrongSecret   = "wrong secret"
	gone          = "upstream gone"
	hasty         = "hasty"              // gives the upstream little time
	noTokens      = "throttled by token" // the upstream issues none
	slowTokens    = "slow with tokens"   // the upstream gives none in time
	crowded       = "crowded"            // one request has the memory for all answers with photos
	direct        = "direct"             // a Web function without the platform in front of it
)

var worlds = []string{usual, misconfigured, wrongSecret, gone, hasty, noTokens, slowTokens}

// start starts the function of a world and returns its URL.
func start(t *testing.T, world string, run func(context.Context, gateway.Config) (function, error)) string {
	t.Helper()
	upstream := simulator.New(simulator.Config{Apps: map[string]string{appID: "test-secret-1"}, Pause: 5 * time.Second})
	to := serve(t, upstream)
	env := map[string]string{
		"KYC_APP_ID": appID, "KYC_SECRET": "test-secret-1", "KYC_BASE_URL": to.URL,
		"CALLER_TOKENS": "test:" + callerToken + ",limited:" + limitedToken, "CALLER_SCOPES": "limited:ticket",
	}
	switch world {
	case misconfigured:
		clear(env)
	case wrongSecret:
		env["KYC_SECRET"] = "wrong"
	case gone:
		to.Close()
	case hasty:
		env["KYC_TIMEOUT"] = "200ms"
	case noTokens:
		upstream.Intercept(func(w http.ResponseWriter, _ *http.Request, c simulator.Call) bool {
			if c == simulator.TokenCall {
				io.WriteString(w, `{"code":"400501","msg":"请求过于频繁"}`)
			}
			return c == simulator.TokenCall
		})
	case slowTokens:
		env["KYC_TIMEOUT"] = "100ms"
		upstream.Intercept(func(_ http.ResponseWriter, r *http.Request, c simulator.Call) bool {
			if c == simulator.TokenCall {
				<-r.Context().Done()
			}
			return c == simulator.TokenCall
		})
	}
	stalls := make(chan struct{}, 3)
	if world == crowded {
		env["KYC_TIMEOUT"] = "30s"
		upstream.Intercept(stall(stalls))
	}
	f, err := run(t.Context(), gateway.Config{Binary: folder.Function(t), Env: env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if web, ok := f.(*gateway.Web); ok && world == direct {
		return "http://" + web.Addr()
	}
	url := serve(t, f).URL
	if world == crowded {
		crowd(t, url, stalls)
	}
	return url
}

func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// exchange is a request and the status that is expected of it.
type exchange struct {
	world  string
	method string // "" is GET
	target string // path and query
	body   string
	token  string // "" is the usual one, "none" none
	status int
}

// answered is an exchange that took place.
type answered struct {
	request *http.Request
	status  int
	header  http.Header
	body    []byte
}

// do makes the exchange. What goes wrong fails the test; ok is false where nothing was answered.
func (e exchange) do(t *testing.T, base string) (a answered, ok bool) {
	method := e.method
	if method == "" {
		method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(t.Context(), method, base+e.target, strings.NewReader(e.body))
	if err != nil {
		t.Error(err)
		return a, false
	}
	if e.token != "none" {
		request.Header.Set("Authorization", "Bearer "+cmp.Or(e.token, callerToken))
	}
	if e.world == direct {
		request.Header.Set("Expect", "100-continue") // a body that nobody wants is not sent
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Errorf("%s %s%s: %v", e.world, method, e.target, err)
		return a, false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Errorf("%s %s%s: %v", e.world, method, e.target, err)
		return a, false
	}
	if response.StatusCode != e.status {
		t.Errorf("%s %s%s: status %d, expected %d: %.300s", e.world, method, e.target, response.StatusCode, e.status, body)
	}
	return answered{request, response.StatusCode, response.Header, body}, true
}

// record makes all exchanges through a transport, those of each world one after another.
func record(t *testing.T, doc *openapi.Document, name string, run func(context.Context, gateway.Config) (function, error)) (all []answered) {
	t.Helper()
	urls := map[string]string{}
	worlds, exchanges := worlds, append(exchanges(), posts(t, doc)...)
	if name == "web" {
		worlds = append(slices.Clone(worlds), crowded, direct)
		for _, target := range routes {
			exchanges = slices.Insert(exchanges, 0, exchange{world: crowded, target: target("order1", "get_file=1"), status: 503})
		}
		for path := range examples(t, doc) {
			exchanges = slices.Insert(exchanges, 0,
				exchange{world: crowded, method: "POST", target: path, body: strings.Repeat(" ", 64<<10), status: 503},
				exchange{world: direct, method: "POST", target: path, body: strings.Repeat(" ", gateway.MaxPayload+1), status: 413})
		}
	}
	for _, world := range worlds {
		urls[world] = start(t, world, run)
	}
	var mu sync.Mutex
	var group sync.WaitGroup
	for _, world := range worlds {
		group.Go(func() {
			for _, e := range exchanges {
				if e.world != world {
					continue
				}
				if a, ok := e.do(t, urls[world]); ok {
					mu.Lock()
					all = append(all, a)
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	return all
}

// document reads openapi.yaml.
func document(t *testing.T, changes ...string) (*openapi.Document, error) {
	t.Helper()
	text, err := openapi.Text()
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer(changes...).Replace(string(text))
	if len(changes) > 0 && changed == string(text) {
		t.Fatalf("nothing was changed by %q", changes)
	}
	return openapi.Parse([]byte(changed))
}

func clone(a answered) answered {
	a.header = maps.Clone(a.header)
	return a
}
