package clients

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/internal/testmain"
)

const (
	root  = "../.."
	token = "demo-token-0123456789"
)

// folder has the function's binary.
var folder testmain.Folder

func TestMain(m *testing.M) { testmain.Run(m, &folder) }

// startRelay runs the Web function as the demo does, before a simulated upstream of its own. Its caller
// may do everything, ticket too.
func startRelay(t *testing.T) *gateway.Web {
	t.Helper()
	apps := map[string]string{"IDAdemo1": "demo-secret-1", "IDAdemo2": "demo-secret-2"}
	upstream := simulator.New(simulator.Config{Apps: apps})
	server := httptest.NewServer(upstream)
	t.Cleanup(server.Close)
	web, err := gateway.StartWeb(t.Context(), gateway.Config{Binary: folder.Function(t), Env: map[string]string{
		"KYC_APP_ID": "IDAdemo1", "KYC_SECRET": apps["IDAdemo1"], "KYC_APPS": "IDAdemo2:" + apps["IDAdemo2"],
		"KYC_BASE_URL": server.URL, "CALLER_TOKENS": "demo:" + token, "CALLER_SCOPES": "demo:ocr+face+start+check+ticket",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = web.Close()
		if broken := upstream.Violations(); len(broken) > 0 {
			t.Errorf("rules of the upstream: %q", broken)
		}
	})
	return web
}

// wanted reports whether the clients must be tried that take long to install: where .ci/run says so.
func wanted() bool { return os.Getenv("CLIENTS") != "" }

// patience is for a client on a busy machine.
const patience = 5 * time.Minute

// output runs a program in a folder and returns what it wrote to stdout and stderr.
func output(t *testing.T, dir string, env []string, name string, arguments ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, arguments...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
