package ticket_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestModel has spin search the whole of docs/ticket-protocol.pml: three instances, and all four
// faults in one run; two, and a store that takes no writes as well. What the model is, and
// what it leaves out, is said there.
func TestModel(t *testing.T) {
	if raceEnabled {
		t.Skip("the search is no Go program: once, without the race detector, is enough")
	}
	cc := modelTools(t)

	// Every state is kept as it is, and no order of steps is left out. With -O2 the
	// compiler takes longer than it saves.
	every := []string{"-DSAFETY", "-DNOCLAIM"}
	t.Run("every state", func(t *testing.T) {
		t.Parallel()
		complete(t, search(t, cc, append([]string{"-O1"}, every...)))
	})
	// The same with the formula: no fair cycle in which an instance has no good pair.
	t.Run("comes to rest", func(t *testing.T) {
		t.Parallel()
		complete(t, search(t, cc, []string{"-O1"}, "-a", "-f"))
	})

	t.Run("writes refused, every state", func(t *testing.T) {
		t.Parallel()
		complete(t, search(t, cc, append([]string{"-O1"}, every...), "-DREFUSE"))
	})
	t.Run("writes refused, a flight ends", func(t *testing.T) {
		t.Parallel()
		complete(t, search(t, cc, []string{"-O1"}, "-a", "-f", "-DREFUSE"))
	})

	// Each of these must be found. That is soon, so it is the compiler's time that counts.
	for _, mutant := range []string{
		"CRASH=0", "FREEZE=1", "LOSE=1", "FOREIGN=0", // the bound of the mints is tight

		"NO_VERSION_CHECK",    // a Swap overwrites whatever is there
		"NO_SECOND_LOOK",      // the lease is taken if it is free, on what was loaded before
		"LEASE_IGNORED",       // renews while another does
		"VERSIONS_REPEAT",     // a lost store counts anew, and an old Swap hits
		"REJECT_WITHOUT_LOOK", // mints upon a rejection without asking the store
		"ADOPTS_OLDER",        // takes the store's pair for newer than its own
		"ASKS_LATE",           // asks for a token without a look at the clock
		"NO_SETTLE",           // a pending token does not end the pair in use
		"FORGETS_END",         // an end that is known is overwritten with the record's
	} {
		t.Run(mutant, func(t *testing.T) {
			t.Parallel()
			if out := search(t, cc, every, "-D"+mutant); !strings.Contains(out, "assertion violated") {
				t.Errorf("not found:\n%s", out)
			}
		})
	}
	for name, mutant := range map[string][]string{
		"LEASE_FOREVER":     {"-DLEASE_FOREVER"},
		"ERROR_AS_CONFLICT": {"-DREFUSE", "-DERROR_AS_CONFLICT"}, // a write that is refused counts as a lost race
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out := search(t, cc, nil, append([]string{"-a", "-f"}, mutant...)...); !strings.Contains(out, "acceptance cycle (at") {
				t.Errorf("not found:\n%s", out)
			}
		})
	}
}

// modelTools returns the C compiler. Where it or spin is missing the test is skipped, but
// not in CI.
func modelTools(t *testing.T) (cc string) {
	missing := t.Skipf
	if os.Getenv("CI") != "" {
		missing = t.Fatalf
	}
	if _, err := exec.LookPath("spin"); err != nil {
		missing("the model of the protocol is not checked: %v", err)
	}
	for _, cc := range []string{"cc", "gcc"} {
		if path, err := exec.LookPath(cc); err == nil {
			return path
		}
	}
	missing("the model of the protocol is not checked: there is no C compiler for what spin generates")
	return ""
}

// search generates the search of the model, compiles it with flags, runs it and returns
// what it says. Of args those with -D are for the model, the others for the search.
func search(t *testing.T, cc string, flags []string, args ...string) string {
	model, err := filepath.Abs("../../docs/ticket-protocol.pml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", filepath.Base(name), err, out)
		}
		return string(out)
	}
	generate, pan := []string{"-P" + cc + " -E -x c", "-a"}, []string{"-m100000", "-w22"}
	for _, a := range args {
		if strings.HasPrefix(a, "-D") {
			generate = append(generate, a)
		} else {
			pan = append(pan, a)
		}
	}
	run("spin", append(generate, model)...)
	// No partial-order reduction: nothing is taken on trust. Megabytes are limited.
	compile := append([]string{"-w", "-DNOREDUCE", "-DVECTORSZ=256", "-DMEMLIM=6000"}, flags...)
	run(cc, append(compile, "-o", "pan", "pan.c")...)
	return run(filepath.Join(dir, "pan"), pan...)
}

var modelFigures = regexp.MustCompile(`\d+ states, stored|\d+ transitions|depth reached \d+|[\d.]+\ttotal actual memory usage|elapsed time \S+ seconds`)

// complete requires that a search found nothing and left out nothing, and logs its size.
func complete(t *testing.T, out string) {
	t.Log(strings.Join(modelFigures.FindAllString(out, -1), ", "))
	for _, want := range []string{"errors: 0", "Full statespace search"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	for _, bad := range []string{
		"not completed", "max search depth", "out of memory", "interrupted", "truncated",
		"Bit statespace", "Hash-Compact", "Partial Order Reduction",
	} {
		if strings.Contains(out, bad) {
			t.Errorf("%q in:\n%s", bad, out)
		}
	}
}
