package onecpu

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// A process is started each time, as the setting is made before its main.
func TestProcessors(t *testing.T) {
	if os.Getenv("SAY_PROCESSORS") != "" {
		_, _ = os.Stdout.WriteString("processors " + strconv.Itoa(runtime.GOMAXPROCS(0)) + "\n")
		return
	}
	for env, want := range map[string]string{
		"_LAMBDA_SERVER_PORT=1":              "1",
		"_LAMBDA_SERVER_PORT=1 GOMAXPROCS=3": "3",
		"PORT=9000":                          "1",
		"PORT=9000 GOMAXPROCS=2":             "2",
	} {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcessors$") // #nosec G204 -- this very test
		for _, v := range os.Environ() {
			if !strings.HasPrefix(v, "GOMAXPROCS=") {
				command.Env = append(command.Env, v)
			}
		}
		command.Env = append(append(command.Env, "SAY_PROCESSORS=yes"), strings.Fields(env)...)
		out, err := command.Output()
		if err != nil || !strings.Contains(string(out), "processors "+want+"\n") {
			t.Errorf("%s: %v, %s", env, err, out)
		}
	}
}
