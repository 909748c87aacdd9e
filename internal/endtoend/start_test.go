package endtoend

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// What a package computes before main is paid in every cold start, needed or not, and a page of memory
// that is touched for it costs more than the computation. The house has nothing of this but what is here.
func TestStartInitializesNothing(t *testing.T) {
	t.Parallel()
	command := exec.CommandContext(t.Context(), folder.Function(t)) // #nosec G204 -- built by these tests
	command.Env = append(os.Environ(), "GODEBUG=inittrace=1", "_LAMBDA_SERVER_PORT=none")
	out, err := command.CombinedOutput()
	if err == nil {
		t.Error("it serves at a port that is none")
	}
	initialized := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "init" {
			continue
		}
		initialized++
		switch name, ours := strings.CutPrefix(fields[1], "kyc-ocr-relay/"); {
		case !ours, name == "internal/onecpu":
		default:
			t.Errorf("%s is initialized at start: make it a switch, a table of constants, or what is made when it is needed", fields[1])
		}
	}
	if initialized == 0 {
		t.Errorf("nothing was initialized: %s", out)
	}
}
