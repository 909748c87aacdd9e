package testmain

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

var folder Folder

func TestMain(m *testing.M) { Run(m, &folder) }

// leakVariable has TestLeak leave a goroutine behind, in a process of its own.
const leakVariable = "TESTMAIN_TEST_LEAK"

// The folder goes with the process, whose exit code says whether a goroutine is left.
func TestLeak(t *testing.T) {
	switch os.Getenv(leakVariable) {
	case "yes":
		go func() { select {} }()
		fallthrough
	case "no":
		os.Stdout.WriteString("folder:" + folder.Path + "\n")
		return
	}
	for leak, code := range map[string]int{"yes": 1, "no": 0} {
		again := exec.Command(os.Args[0], "-test.run=^TestLeak$")
		again.Env = append(os.Environ(), leakVariable+"="+leak)
		out, err := again.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if again.ProcessState.ExitCode() != code || bytes.Contains(out, []byte("unexpected goroutines")) != (leak == "yes") {
			t.Errorf("a goroutine is left: %s; exit code %d\n%s", leak, again.ProcessState.ExitCode(), out)
		}
		_, rest, _ := strings.Cut(string(out), "folder:")
		dir, _, _ := strings.Cut(rest, "\n")
		if _, err := os.Stat(dir); !filepath.IsAbs(dir) || !os.IsNotExist(err) {
			t.Errorf("the folder %q is still there: %v", dir, err)
		}
	}
}

// A program is built once.
func TestProgram(t *testing.T) {
	const command = "scripts/bench/proxy"
	binary := folder.Program(t, command)
	info, err := os.Stat(binary)
	if err != nil || filepath.Dir(binary) != folder.Path {
		t.Fatal(binary, err)
	}
	again := folder.Program(t, command)
	if same, err := os.Stat(again); err != nil || !same.ModTime().Equal(info.ModTime()) || again != binary {
		t.Errorf("%s is built again as %s: %v", binary, again, err)
	}
}

// refused is a test that ends early.
type refused struct {
	testing.TB
	why []any
}

func (r *refused) Fatal(why ...any) {
	r.why = why
	runtime.Goexit()
}

// Each test that needs what cannot be built is told why, and others can go on.
func TestProgramThatCannotBeBuilt(t *testing.T) {
	for range 2 {
		r := &refused{TB: t}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			folder.Program(r, "scripts/none")
		}()
		<-ended
		if len(r.why) != 1 || !strings.Contains(r.why[0].(error).Error(), "go build kyc-ocr-relay/scripts/none: exit status 1\n") {
			t.Errorf("%q", r.why)
		}
	}
	folder.Program(t, "scripts/bench/proxy")
}
