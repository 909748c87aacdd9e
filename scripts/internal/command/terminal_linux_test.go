package command_test

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

// onTerminal returns what a call wrote to a terminal, which is its stdout and stderr.
func onTerminal(t *testing.T, c call) string {
	t.Helper()
	cmd := c.command(t, context.Background())
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	text, err := io.ReadAll(terminal)
	if err != nil && !errors.Is(err, syscall.EIO) { // how Linux ends a terminal
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// A terminal has colours, unless it is told to have none; a pipe never (see call.run).
func TestColour(t *testing.T) {
	for line, coloured := range map[string]string{
		"query bankcrd order1": "\x1b[31mquery:\x1b[0m TYPE must be",
		"deploy -check":        "\x1b[31mFAIL\x1b[0m  credentials  TENCENTCLOUD_SECRET_ID",
	} {
		plain := strings.NewReplacer("\x1b[31m", "", "\x1b[0m", "").Replace(coloured)
		for _, env := range []struct {
			set  string
			want string
		}{{"TERM=xterm", coloured}, {"NO_COLOR=1", plain}, {"TERM=dumb", plain}, {"NO_COLOR=", coloured}} {
			shown := onTerminal(t, call{line: line, env: []string{env.set}})
			if !strings.Contains(shown, env.want) || env.want == plain && strings.Contains(shown, "\x1b") {
				t.Errorf("%s with %s shows %q", line, env.set, shown)
			}
		}
	}
}

// Progress is for those who look on.
func TestProgress(t *testing.T) {
	c := call{line: "deploy -endpoint http://" + closedPort(t), env: []string{
		"KYC_APP_ID=IDA1", "KYC_SECRET=s", "CALLER_TOKENS=shop:0123456789abcdef",
		"TENCENTCLOUD_SECRET_ID=AKIDtest", "TENCENTCLOUD_SECRET_KEY=key", "TENCENTCLOUD_REGION=ap-guangzhou",
	}}
	const progress = "building the function …\n"
	if shown := onTerminal(t, c); !strings.HasPrefix(shown, progress) || !strings.Contains(shown, "connection refused") {
		t.Errorf("a terminal shows %q", shown)
	}
	stdout, stderr, code := c.run(t)
	if strings.Contains(stdout+stderr, progress) || !strings.Contains(stderr, "connection refused") || code != 1 {
		t.Errorf("a pipe gets %q and %q, %d", stdout, stderr, code)
	}
}
