package main

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Whoever renames a benchmark, or one of its cases, renames it here as well.
func TestEveryBenchmarkIsThere(t *testing.T) {
	if testing.Short() {
		t.Skip("runs every benchmark once")
	}
	times, allocations := table{}, table{}
	err := benchmarks(t.Context(), "../..", "1x", func(name string, ns, n float64) {
		if slices.Contains(slices.Concat(slices.Collect(maps.Values(measured))...), name) {
			times.add(name, ns)
			allocations.add(name, n)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	figures(times, allocations) // panics where one is not of measured
}

// go test succeeds where no test has the name that it is given.
func TestColdStartIsThere(t *testing.T) {
	t.Parallel()
	command := exec.Command("go", "test", "-list", "^"+coldStart+"$", "./internal/endtoend")
	command.Dir = "../.."
	out, err := command.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), coldStart+"\n") {
		t.Errorf("%v\n%s", err, out)
	}
}
