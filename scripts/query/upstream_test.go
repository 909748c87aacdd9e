package main

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"kyc-ocr-relay/internal/simulator"
)

// upstreamServer is the simulated upstream, which remembers what was asked and which
// credentials it gave out.
type upstreamServer struct {
	*httptest.Server
	simulator *simulator.Simulator

	mu      sync.Mutex
	queries []url.Values // their parameters and members
	tokens  []string
	tickets []string
}

// seen returns what was asked and issued so far.
func (u *upstreamServer) seen() (queries []url.Values, tokens, tickets []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.queries), slices.Clone(u.tokens), slices.Clone(u.tickets)
}

func newUpstream(t *testing.T, start func(http.Handler) *httptest.Server) *upstreamServer {
	t.Helper()
	u := &upstreamServer{
		simulator: simulator.New(simulator.Config{Apps: map[string]string{appID: appSecret, "IDAtest2": appSecret + "2"}}),
	}
	u.Server = start(u)
	t.Cleanup(u.Close)
	return u
}

func (u *upstreamServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	recorded := httptest.NewRecorder()
	u.simulator.ServeHTTP(recorded, r)
	u.mu.Lock()
	if !strings.HasPrefix(r.URL.Path, "/api/oauth2/") {
		values := r.URL.Query()
		var members map[string]string
		_ = json.Unmarshal(body, &members) // of a POST
		for name, value := range members {
			values.Set(name, value)
		}
		u.queries = append(u.queries, values)
	} else {
		var issued struct {
			Token   string `json:"access_token"`
			Tickets []struct{ Value string }
		}
		if json.Unmarshal(recorded.Body.Bytes(), &issued); issued.Token != "" {
			u.tokens = append(u.tokens, issued.Token)
		}
		for _, ticket := range issued.Tickets {
			u.tickets = append(u.tickets, ticket.Value)
		}
	}
	u.mu.Unlock()
	for name, values := range recorded.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(recorded.Code)
	w.Write(recorded.Body.Bytes())
}

// outcome is what a run of the command brought.
type outcome struct {
	stdout, stderr string
	code           int
}

// query runs the command with the usual variables and some more.
func (u *upstreamServer) query(t *testing.T, env []string, args ...string) outcome {
	t.Helper()
	return u.run(t, append([]string{"KYC_APP_ID=" + appID, "KYC_SECRET=" + appSecret, "KYC_BASE_URL=" + u.URL}, env...), args...)
}

func (u *upstreamServer) run(t *testing.T, env []string, args ...string) outcome {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), folder.Program(t, "scripts/query"), args...)
	cmd.Env = env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	o := outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	_, tokens, tickets := u.seen()
	for _, canary := range slices.Concat(tokens, tickets, []string{appSecret}) {
		if strings.Contains(o.stdout+o.stderr, canary) {
			t.Errorf("a secret was printed:\n%s%s", o.stdout, o.stderr)
		}
	}
	if broken := u.simulator.Violations(); len(broken) > 0 {
		t.Errorf("rules of the upstream: %q", broken)
	}
	return o
}

// trust returns the variable that has the command trust the server's certificate.
func trust(t *testing.T, u *upstreamServer) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cert.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: u.Certificate().Raw})
	if err := os.WriteFile(path, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	return "SSL_CERT_FILE=" + path
}
