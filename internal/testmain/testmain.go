// Package testmain is the TestMain of packages whose tests share a folder, and the programs of this
// module that are built into it.
package testmain

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"kyc-ocr-relay/internal/archive"
)

const function = "kyc-ocr-relay"

// Folder is shared by all tests of a package. Its methods may be called concurrently, while Run runs.
type Folder struct {
	Path string // set by Run

	mu    sync.Mutex // one build at a time
	built map[string]error
}

// Run runs the tests, removes the folder and ends the process, with an error where a goroutine is left.
func Run(m *testing.M, f *Folder) {
	dir, err := os.MkdirTemp("", "kyc-ocr-relay-test-")
	if err != nil {
		panic(err)
	}
	f.Path = dir
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// Function returns the path of the function's binary. The first call builds it, as it is deployed.
func (f *Folder) Function(t testing.TB) string {
	t.Helper()
	return f.build(t, function, []string{"CGO_ENABLED=0"}, "-trimpath", archive.Tags)
}

// Program returns the path of the binary of a command, such as scripts/query. The first call builds it,
// with the flags of go run: with others, all that it imports would be compiled a second time.
func (f *Folder) Program(t testing.TB, command string) string {
	t.Helper()
	return f.build(t, function+"/"+command, nil)
}

func (f *Folder) build(t testing.TB, source string, env []string, flags ...string) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	binary := filepath.Join(f.Path, path.Base(source)+".exe")
	err, known := f.built[source]
	if !known {
		err = build(binary, source, env, flags)
		if f.built == nil {
			f.built = map[string]error{}
		}
		f.built[source] = err
	}
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

func build(binary, source string, env, flags []string) error {
	if err := WatchSources(); err != nil {
		return err
	}
	arguments := slices.Concat([]string{"build", "-buildvcs=false", "-o", binary}, flags, []string{source})
	command := exec.Command("go", arguments...) // #nosec G204 -- into a folder of our own
	command.Env = append(os.Environ(), env...)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", source, err, out)
	}
	return nil
}

// WatchSources reads the module's directories: the go command then knows that a cached outcome does
// not hold for changed sources, which only a build that the tests start has looked at.
func WatchSources() error {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("go list -m: %w", err)
	}
	return filepath.WalkDir(strings.TrimSpace(string(root)), func(_ string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && entry.Name() == ".git" {
			return fs.SkipDir
		}
		return err
	})
}
