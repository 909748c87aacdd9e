package endtoend

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/pipetest"
	"kyc-ocr-relay/internal/simulator"
)

// The apps and callers of every world that does not say otherwise.
const (
	firstApp  = "IDAfirst1"
	secondApp = "IDAsecond2"
	thirdApp  = "IDAthird3"

	aliceToken = "alice-token-4f2c9a7be1"
	bobToken   = "bob-token-d83e61c05f77"
)

var secrets = map[string]string{
	firstApp:  "secret-of-first-9b71e2",
	secondApp: "secret-of-second-c04d8",
	thirdApp:  "secret-of-third-77fa31",
}

// runtime is either kind of function in the local runtime.
type runtime interface {
	http.Handler
	Close() error
}

// transport is a way from a caller to the function.
type transport struct {
	name  string
	event bool
	start func(context.Context, gateway.Config) (runtime, error)
}

var transports = []transport{
	eventTransport("API Gateway event", gateway.APIGateway, true),
	eventTransport("API Gateway event, environment with the invocation", gateway.APIGateway, false),
	eventTransport("Function URL event", gateway.FunctionURL, true),
	eventTransport("Function URL event, environment with the invocation", gateway.FunctionURL, false),
	webTransport,
}

var webTransport = transport{"Web", false, func(ctx context.Context, c gateway.Config) (runtime, error) {
	return gateway.StartWeb(ctx, c)
}}

func eventTransport(name string, shape gateway.Shape, envAtStart bool) transport {
	return transport{name, true, func(ctx context.Context, c gateway.Config) (runtime, error) {
		c.Shape, c.EnvAtStart = shape, envAtStart
		return gateway.StartEvent(ctx, c)
	}}
}

// through runs body as a parallel subtest for every transport.
func through(t *testing.T, body func(t *testing.T, over transport)) {
	t.Helper()
	throughThese(t, transports, body)
}

func throughThese(t *testing.T, list []transport, body func(t *testing.T, over transport)) {
	t.Helper()
	for _, over := range list {
		t.Run(over.name, func(t *testing.T) {
			t.Parallel()
			body(t, over)
		})
	}
}

// setting is what differs from the usual world; its zero value is the usual one.
type setting struct {
	env       map[string]string               // replaces variables; "" removes one
	simulator simulator.Config                // Apps nil: those of secrets
	upstream  http.Handler                    // in place of the simulator
	before    func(http.Handler) http.Handler // what stands before the upstream
	serve     func(*httptest.Server)          // starts the upstream; nil: http
	tls       bool                            // the upstream is https, with a certificate that nobody signed
	gone      bool                            // nobody listens at the upstream's address
	runtime   gateway.Config                  // of which TimeLimit, ZeroDeadline and Prefix count
	faults    func(w http.ResponseWriter, r *http.Request, c simulator.Call) bool
}

// world is a function in the local runtime with an upstream of its own.
type world struct {
	t       testing.TB
	sim     *simulator.Simulator
	witness *witness
	event   *gateway.Event // nil for a Web function
	web     *gateway.Web   // nil for an event function
	url     string
	client  *http.Client

	mu   sync.Mutex
	told bytes.Buffer // headers and bodies of our own making that callers got
	ids  []string     // request ids of the invocations so far
	log  pipetest.Log

	started  bytes.Buffer // the bodies that front ends start with
	excusing bool         // a test breaks the upstream's rules on a caller's behalf
}

// open starts a world, which ends with the test. Then the log and everything that callers were told
// must hold no secret, and no rule of the upstream may have been broken.
func open(t testing.TB, over transport, s setting) *world {
	t.Helper()
	if s.simulator.Apps == nil {
		s.simulator.Apps = secrets
	}
	w := &world{t: t, sim: simulator.New(s.simulator)}
	var upstream http.Handler = w.sim
	if s.upstream != nil {
		upstream = s.upstream
	}
	if s.faults != nil {
		w.sim.Intercept(s.faults)
	}
	if s.before != nil {
		upstream = s.before(upstream)
	}
	w.witness = newWitness(upstream)
	server := httptest.NewUnstartedServer(w.witness)
	server.Config.ErrorLog = discard
	w.sim.KeepConnections(server.Config)
	switch {
	case s.serve != nil:
		s.serve(server)
	case s.tls:
		server.StartTLS()
	default:
		server.Start()
	}
	t.Cleanup(server.Close)
	if s.gone {
		server.Close()
	}

	config := s.runtime
	config.Binary, config.Log, config.Env = folder.Function(t), &w.log, environment(server.URL, s.env)
	f, err := over.start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	w.event, _ = f.(*gateway.Event)
	w.web, _ = f.(*gateway.Web)
	front := httptest.NewServer(f)
	pool := &http.Transport{MaxIdleConnsPerHost: 100, DisableCompression: true}
	w.url, w.client = front.URL, &http.Client{
		Transport:     pool,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		pool.CloseIdleConnections()
		front.Close()
		f.Close()
		w.inspect()
	})
	return w
}

// environment is the function's, with changes to the usual one.
func environment(upstream string, changes map[string]string) map[string]string {
	env := map[string]string{
		"KYC_APP_ID":    firstApp,
		"KYC_SECRET":    secrets[firstApp],
		"KYC_APPS":      secondApp + ":" + secrets[secondApp] + "," + thirdApp + ":" + secrets[thirdApp],
		"KYC_BASE_URL":  upstream,
		"KYC_TIMEOUT":   "20s", // the machine may be busy
		"CALLER_TOKENS": "alice:" + aliceToken + ",bob:" + bobToken,
		"LOG_LEVEL":     "debug",
	}
	maps.Copy(env, changes)
	maps.DeleteFunc(env, func(_, value string) bool { return value == "" })
	return env
}

// process is the function's.
func (w *world) process() *os.Process {
	if w.event != nil {
		return w.event.Process()
	}
	return w.web.Process()
}

// answer is a response as the caller saw it.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) sum() digest { return digest{len(a.body), sha256.Sum256(a.body)} }

// get asks as alice.
func (w *world) get(target string) *answer {
	w.t.Helper()
	return w.do(http.MethodGet, target, http.Header{"Authorization": {"Bearer " + aliceToken}})
}

// post sends a body as alice.
func (w *world) post(target, body string) *answer {
	w.t.Helper()
	return w.send(http.MethodPost, target, bearer(aliceToken), body)
}

// do sends a request without a body as it is.
func (w *world) do(method, target string, header http.Header) *answer {
	w.t.Helper()
	return w.send(method, target, header, "")
}

// send sends a request as it is.
func (w *world) send(method, target string, header http.Header, body string) *answer {
	w.t.Helper()
	a, err := w.try(method, target, header, body)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// try is send for goroutines, which must not end the test.
func (w *world) try(method, target string, header http.Header, text string) (*answer, error) {
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.url+target, strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	request.Header = header.Clone()
	response, err := w.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	a := &answer{response.StatusCode, response.Header, body}
	w.note(a, request, text)
	return a, nil
}

// refusedByThePlatform is its status for a request that is too large, which the function does not see.
const refusedByThePlatform = 407

// note keeps what must hold no secret: headers, and bodies that the upstream did not make.
func (w *world) note(a *answer, r *http.Request, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.status != refusedByThePlatform {
		w.ids = append(w.ids, a.header.Get("X-Scf-Request-Id"))
	}
	w.witness.mu.Lock()
	w.witness.look([]byte(text[:min(len(text), mostHead)]))
	w.witness.look(a.body)
	w.witness.mu.Unlock()
	_ = a.header.Write(&w.told)
	switch {
	case r.URL.Path != "/healthz" && (a.header.Get("Content-Type") != jsonType || w.witness.sent(a.sum())):
	case a.status == 200 && strings.HasPrefix(r.URL.Path, "/start/"):
		w.started.Write(a.body)
	default:
		w.told.Write(a.body)
	}
}
