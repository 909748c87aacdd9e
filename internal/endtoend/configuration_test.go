package endtoend

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/rpc"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tencentyun/scf-go-lib/cloudfunction/messages"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/simulator"
)

// nothing removes what the usual world has to have.
var nothing = map[string]string{"KYC_APP_ID": "", "KYC_SECRET": "", "KYC_APPS": "", "KYC_BASE_URL": "", "CALLER_TOKENS": "", "LOG_LEVEL": ""}

// nonsense is wrong in every variable, with values that must not be told.
var nonsense = map[string]string{
	"KYC_APP_ID":     "stray-canary!",
	"KYC_SECRET":     "",
	"KYC_APPS":       "stray-canary",
	"KYC_BASE_URL":   "https://stray-canary:stray-canary@host",
	"KYC_TIMEOUT":    "stray-canary",
	"TICKET_REFRESH": "stray-canary",
	"TICKET_OVERLAP": "stray-canary",
	"TICKET_STORE":   "stray-canary://:stray-canary@host",
	"CALLER_TOKENS":  "alice:stray-canary",
	"DELIVER_TO":     "stray-canary",
	"SECRET_SOURCE":  "stray-canary",
	"ROUTE_PREFIX":   "stray-canary!",
	"LOG_LEVEL":      "stray-canary",
}

// TestConfigurationIsReportedOnEveryRequest holds the answer to all problems at once, by name.
func TestConfigurationIsReportedOnEveryRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env   map[string]string
		names string
	}{
		"nothing is set": {nothing, "KYC_APP_ID KYC_SECRET CALLER_TOKENS"},
		"all is wrong": {nonsense, `KYC_APP_ID KYC_SECRET KYC_APPS KYC_BASE_URL KYC_TIMEOUT TICKET_REFRESH TICKET_OVERLAP
			TICKET_STORE CALLER_TOKENS DELIVER_TO SECRET_SOURCE ROUTE_PREFIX LOG_LEVEL`},
		"an unknown way of authentication": {map[string]string{"CALLER_AUTH": "stray-canary"}, "CALLER_AUTH"},
		"a webhook without its secret":     {map[string]string{"DELIVER_TO": "https://host/stray-canary"}, "DELIVER_SECRET"},
		"plain http to another machine":    {map[string]string{"KYC_BASE_URL": "http://stray-canary"}, "KYC_BASE_URL"},
	} {
		names := strings.Fields(c.names)
		t.Run(name, func(t *testing.T) {
			through(t, func(t *testing.T, over transport) {
				w := open(t, over, setting{env: c.env})
				for _, e := range []exchange{
					{target: "/ocr/bankcard/card1"},
					{target: "/healthz", header: http.Header{}},
					{target: "/ocr/bankcard/card1/photos/bankcardCropPhoto", header: http.Header{}},
					{target: bankPath + "?order_no=stray-canary&order_no=", method: "POST"},
					{target: "/stray-canary", header: bearer("stray-canary")},
				} {
					e.status, e.code, e.silent, e.also = 500, "InternalError.Configuration", true, says(names...)
					e.run(t, w)
				}
				if w.event != nil {
					w.expectMisconfigured(t, names)
				}
			})
		})
	}
}

// expectMisconfigured has direct invocations fail with the same body.
func (w *world) expectMisconfigured(t *testing.T, names []string) {
	t.Helper()
	process := w.event.Process().Pid
	for _, payload := range []string{`{"type":"bankcard","order_no":"card1"}`, `{"Type":"Timer"}`, `{"action":"renew"}`} {
		result := w.invoke(payload)
		if result.Error == nil {
			t.Fatalf("%s: %s", payload, result.Payload)
		}
		msg := checkErrorBody(t, []byte(result.Error.Message), "InternalError.Configuration", result.RequestID)
		for _, name := range names {
			if !contains(msg, name) {
				t.Errorf("%s: %s is not named: %s", payload, name, msg)
			}
		}
	}
	if w.event.Process().Pid != process {
		t.Error("the process was started anew")
	}
}

// TestZeroDeadlineFallsBackToTheTimeLimit has the library hand over a context that has ended.
func TestZeroDeadlineFallsBackToTheTimeLimit(t *testing.T) {
	t.Parallel()
	for _, limit := range []time.Duration{0, 2 * time.Second} {
		w := open(t, transports[0], setting{runtime: gateway.Config{ZeroDeadline: true, TimeLimit: limit}})
		w.expectStatus("/ocr/bankcard/card1", 200)
		w.expectStatus("/ocr/bankcard/transient1", 200)
		w.expectMinted(1, 1)
	}
}

// TestDeadlineIsAnsweredBeforeThePlatformKills lets the time limit be nearer than KYC_TIMEOUT.
func TestDeadlineIsAnsweredBeforeThePlatformKills(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]setting{
		"deadline":      {runtime: gateway.Config{TimeLimit: time.Second}},
		"zero deadline": {runtime: gateway.Config{TimeLimit: time.Second, ZeroDeadline: true}},
		"for a token":   {runtime: gateway.Config{TimeLimit: time.Second}, faults: hang(simulator.TokenCall)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, transports[2], c)
			a := w.get("/ocr/bankcard/slow1")
			if a.status != 504 {
				t.Errorf("status %d", a.status)
			}
			a.checkError(t, "FailedOperation.UpstreamTimeout")
		})
	}
}

// TestGatewayPrefix has the gateway in front put its path before the routes.
func TestGatewayPrefix(t *testing.T) {
	t.Parallel()
	for _, over := range transports[:4] {
		w := open(t, over, setting{runtime: gateway.Config{Prefix: "/kyc"}, env: map[string]string{"ROUTE_PREFIX": "kyc"}})
		w.expectStatus("/ocr/bankcard/card1", 200)
		w.expectStatus("/healthz", 200)
	}
}

// TestEnvironmentMayArriveLater starts the function without an environment, as the platform may, and
// delivers it with a later invocation: that a variable was missing is not remembered.
func TestEnvironmentMayArriveLater(t *testing.T) {
	t.Parallel()
	sim := simulator.New(simulator.Config{Apps: secrets})
	upstream := httptest.NewServer(sim)
	t.Cleanup(upstream.Close)
	function := startBare(t)
	event := []byte(`{"httpMethod":"GET","path":"/ocr/bankcard/card1","headers":{"authorization":"Bearer ` + aliceToken + `"}}`)
	all := environment(upstream.URL, nil)
	for _, step := range []struct {
		env    map[string]string
		status int
	}{
		{nil, 500},
		{map[string]string{"KYC_APP_ID": firstApp}, 500},
		{all, 200},
		{nil, 200}, // the process remembers it
	} {
		request := messages.InvokeRequest{Payload: event, RequestId: "id-1", TimeLimitInMs: 5000}
		if step.env != nil {
			text, err := json.Marshal(step.env)
			if err != nil {
				t.Fatal(err)
			}
			request.Environment = string(text)
		}
		var answer messages.InvokeResponse
		if err := function.Call("Function.Invoke", &request, &answer); err != nil || answer.Error != nil {
			t.Fatal(err, answer.Error)
		}
		var response struct{ StatusCode int }
		if err := json.Unmarshal(answer.Payload, &response); err != nil || response.StatusCode != step.status {
			t.Errorf("status %d, want %d: %s", response.StatusCode, step.status, answer.Payload)
		}
	}
	if broken := sim.Violations(); broken != nil {
		t.Error(broken)
	}
}

// startBare starts an event function with nothing in its environment but the port.
func startBare(t *testing.T) *rpc.Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().(*net.TCPAddr)
	listener.Close()
	function := exec.Command(folder.Function(t))
	function.Env = []string{"_LAMBDA_SERVER_PORT=" + strconv.Itoa(address.Port)}
	if err := function.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = function.Process.Kill()
		_ = function.Wait()
	})
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 10_000 {
		if client, err := rpc.Dial("tcp", address.String()); err == nil {
			t.Cleanup(func() { client.Close() })
			return client
		}
		<-tick.C
	}
	t.Fatal("the function does not listen")
	return nil
}
