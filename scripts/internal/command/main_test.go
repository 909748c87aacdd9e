package command_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/testmain"
)

// folder has the built commands.
var folder testmain.Folder

func TestMain(m *testing.M) { testmain.Run(m, &folder) }

var commands = []string{"query", "deploy", "package", "demo", "bench", "postman"}

// project is the project's folder.
func project(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// call is a run of a command.
type call struct {
	dir  string   // "" is the project's folder
	env  []string // besides where Go is and what it needs
	line string   // the command and its arguments
}

// command is the process of a call, which is not started.
func (c call) command(t *testing.T, ctx context.Context) *exec.Cmd {
	t.Helper()
	words := strings.Fields(c.line)
	var program string
	if words[0] == "kyc-ocr-relay" { // main.go is met as early
		program = folder.Function(t)
	} else {
		program = folder.Program(t, "scripts/"+words[0])
	}
	cmd := exec.CommandContext(ctx, program, words[1:]...)
	cmd.Dir = c.dir
	if c.dir == "" {
		cmd.Dir = project(t)
	}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		// What the machine has of ours, or of colours, is left out.
		if !slices.ContainsFunc([]string{"KYC_", "CALLER_", "TICKET_", "DELIVER_", "SECRET_SOURCE", "TENCENTCLOUD_", "NO_COLOR", "TERM", "LOG_LEVEL"}, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, c.env...)
	return cmd
}

// run returns what a call into pipes wrote, and its exit code.
func (c call) run(t *testing.T) (stdout, stderr string, code int) {
	t.Helper()
	cmd := c.command(t, t.Context())
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if text := out.String() + complaint.String(); strings.Contains(text, "\x1b") {
		t.Errorf("%s: control characters in a pipe: %q", c.line, text)
	}
	return out.String(), complaint.String(), cmd.ProcessState.ExitCode()
}

// closedPort is the address of a port that nobody listens on.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	return listener.Addr().String()
}
