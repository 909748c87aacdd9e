package examples

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rhysd/actionlint"
	"sigs.k8s.io/yaml"
)

const workflow = "github-actions.yml"

func lint(t *testing.T, text []byte) []*actionlint.Error {
	t.Helper()
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	problems, err := linter.Lint("deploy.yml", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return problems
}

func TestWorkflow(t *testing.T) {
	text := read(t, workflow)
	for _, problem := range lint(t, text) {
		t.Error(problem)
	}
	for before, after := range map[string]string{
		"needs: test": "needs: tests", "runs-on: ubuntu-24.04": "runs_on: ubuntu-24.04", "github.event_name": "github.event_nam",
		"go-version-file": "go-version-files", "secrets.CHECK_TOKEN": "secret.CHECK_TOKEN",
	} {
		changed := strings.Replace(string(text), before, after, 1)
		if changed == string(text) || len(lint(t, []byte(changed))) == 0 {
			t.Errorf("%q for %q is not noticed", after, before)
		}
	}
}

// script returns what a step of the job deploy runs.
func script(t *testing.T, name string) string {
	t.Helper()
	var w struct {
		Jobs map[string]struct {
			Steps []struct{ Name, Run string }
		}
	}
	if err := yaml.Unmarshal(read(t, workflow), &w); err != nil {
		t.Fatal(err)
	}
	for _, s := range w.Jobs["deploy"].Steps {
		if s.Name == name {
			return s.Run
		}
	}
	t.Fatalf("there is no step %q", name)
	return ""
}

// bash runs a script as the runner does: "shell: bash".
func bash(t *testing.T, script string, env map[string]string) (printed string, err error) {
	t.Helper()
	for _, tool := range []string{"bash", "curl", "seq", "grep"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s, which is not installed", tool)
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
	all := map[string]string{"PATH": os.Getenv("PATH")}
	maps.Copy(all, env)
	for name, value := range all {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestFlagsOfTheWorkflowExist(t *testing.T) {
	commands := read(t, "../../scripts/deploy/main.go")
	flags := regexp.MustCompile(`(?:^|\s)-([a-z]+)`)
	for _, name := range []string{"Canary", "Promote it", "Take the canary back"} {
		for line := range strings.Lines(script(t, name)) {
			_, line, found := strings.Cut(line, "./scripts/deploy")
			line, _, _ = strings.Cut(line, "|")
			for _, flag := range flags.FindAllStringSubmatch(line, -1) {
				if !strings.Contains(string(commands), `, "`+flag[1]+`", `) {
					t.Errorf("%s: scripts/deploy has no -%s", name, flag[1])
				}
			}
			if found && !strings.Contains(line, "-kind") {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}

// TestWatch runs the step before a relay, and before one of which every tenth request meets a version
// that does not reach the upstream.
func TestWatch(t *testing.T) {
	const token = "check-token-0123456789"
	good, upstream := relay(t, map[string]string{"CALLER_TOKENS": "check:" + token, "CALLER_SCOPES": "check:ocr"})
	bad, _ := relay(t, map[string]string{"CALLER_TOKENS": "check:" + token, "KYC_SECRET": "wrong"})
	var canary atomic.Bool
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := asked.Add(1); canary.Load() && n%10 == 0 {
			bad.ServeHTTP(w, r)
			return
		}
		good.ServeHTTP(w, r)
	}))
	defer server.Close()
	env := map[string]string{"TOKEN": token, "RELAY_URL": server.URL}
	if printed, err := bash(t, script(t, "Watch it"), env); err != nil || asked.Load() != 60 {
		t.Errorf("a good version: %d requests, %v\n%s", asked.Load(), err, printed)
	}
	if broken := upstream.Violations(); len(broken) > 0 || len(upstream.Mints(app)) != 1 {
		t.Errorf("%d mints, rules of the upstream: %q", len(upstream.Mints(app)), broken)
	}
	asked.Store(0)
	canary.Store(true)
	if printed, err := bash(t, script(t, "Watch it"), env); err == nil || !strings.Contains(printed, "request 10: status 502") {
		t.Errorf("a bad version: %v\n%s", err, printed)
	}
}

// TestTakeBack runs the step with a command in place of go that prints the plans of scripts/deploy: of a
// function with a canary, and of one without.
func TestTakeBack(t *testing.T) {
	plans, err := filepath.Abs("../../scripts/deploy/internal/deployment/testdata")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	fake := `#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
*"-kind web "*) cat "$PLANS/rollback-canary.txt" ;;
*) cat "$PLANS/rollback.txt" ;;
esac
`
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(fake), 0o700); err != nil {
		t.Fatal(err)
	}
	calls := filepath.Join(dir, "calls")
	printed, err := bash(t, script(t, "Take the canary back"), map[string]string{
		"PATH": dir + string(os.PathListSeparator) + os.Getenv("PATH"), "CALLS": calls, "PLANS": plans,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	want := `run ./scripts/deploy -kind event -rollback
run ./scripts/deploy -kind web -rollback
run ./scripts/deploy -kind web -rollback -yes
`
	if got := string(read(t, calls)); got != want {
		t.Errorf("commands\n%s, want\n%s", got, want)
	}
}
