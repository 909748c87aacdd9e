// Package endtoend runs the built function in the local SCF runtime, before the simulated upstream,
// and holds it to the contract through every transport.
package endtoend

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// built is where the function's binary is; it is empty until a test needs one.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	// Worlds wait for retries and time-outs more than they compute.
	_ = flag.Set("test.parallel", "8")
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if built.dir != "" {
			_ = os.RemoveAll(built.dir)
		}
		os.Exit(code)
	}))
}

// binary returns the path of the function's executable, which is built once, as it is deployed.
func binary(t testing.TB) string {
	t.Helper()
	built.once.Do(func() {
		if built.err = watchSources(); built.err != nil {
			return
		}
		if built.dir, built.err = os.MkdirTemp("", "kyc-ocr-relay-test-"); built.err != nil {
			return
		}
		build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(built.dir, "main.exe"), "kyc-ocr-relay")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "main.exe")
}

// watchSources reads the module's directories: the go command then knows that a cached outcome does
// not hold for changed sources, which only the build that the tests start has looked at.
func watchSources() error {
	return filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && entry.Name() == ".git" {
			return fs.SkipDir
		}
		return err
	})
}

// wait returns early where ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
