package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kyc-ocr-relay/internal/ticket"
)

const (
	workers          = 4
	workerIncrements = 25
)

func fileURL(dir string) string { return (&url.URL{Scheme: "file", Path: dir}).String() }

func directory(t testing.TB) (m medium, dir string) {
	// A directory with a name to be escaped, which is not there yet.
	dir = filepath.Join(t.TempDir(), "canary dir+%")
	away := dir + " away"
	return medium{
		open: func(t testing.TB) ticket.Store {
			s, err := Open("file", fileURL(dir), nil)
			return opened(t, s, err)
		},
		now:       func() time.Time { return time.Now().Round(0) },
		precision: 50 * time.Millisecond, // the kernel stamps files with the time of its last tick
		down: func(t *testing.T) {
			rename(t, dir, away)
			if err := os.WriteFile(dir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		up: func(t *testing.T) {
			if err := os.Remove(dir); err != nil {
				t.Fatal(err)
			}
			rename(t, away, dir)
		},
		lose:     func(t *testing.T) { mustDo(t, os.RemoveAll(dir)) },
		canaries: []string{"canary"},
	}, dir
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestFile(t *testing.T) {
	m, dir := directory(t)
	conform(t, m)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[entry.IsDir()]; err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
		if strings.HasPrefix(entry.Name(), tempPrefix) {
			t.Errorf("%s was left behind", path)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestFileProcesses(t *testing.T) {
	m, dir := directory(t)
	var (
		mu  sync.Mutex
		all tally
		wg  sync.WaitGroup
	)
	for range workers {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), workerVariable+"="+fileURL(dir))
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Errorf("%v: %s", err, &stderr)
				return
			}
			var one tally
			if err := json.Unmarshal(out, &one); err != nil {
				t.Errorf("%v: %s", err, out)
			}
			mu.Lock()
			all.add(one)
			mu.Unlock()
		})
	}
	wg.Wait()
	all.check(t, mustLoad(t, m.open(t), "race"), workers*workerIncrements)
}

// names returns what is in the directory of an app.
func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// age sets all files of an app back.
func age(t *testing.T, dir string, by time.Duration) {
	t.Helper()
	for _, name := range names(t, dir) {
		old := time.Now().Add(-by)
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFileRemovesOldVersions(t *testing.T) {
	m, root := directory(t)
	s, dir := m.open(t), filepath.Join(root, "app")
	var version uint64
	swap := func(times int) {
		for range times {
			mustSwap(t, s, "app", version, []byte("data"))
			version++
		}
	}
	swap(30)
	age(t, dir, retain-time.Minute)
	swap(1)
	if got := names(t, dir); len(got) != 1+31 { // and the origin
		t.Fatalf("%d files, of which none was an hour old: %q", len(got), got)
	}
	age(t, dir, retain+time.Minute)
	// maxRemovals at once, of those that were there before the Swap, but for the newest.
	swap(1)
	if got := names(t, dir); len(got) != 1+32-maxRemovals {
		t.Fatalf("%d files: %q", len(got), got)
	}
	swap(1)
	if got := names(t, dir); len(got) != 1+keep+1 || got[len(got)-2] != formatVersion(at(t, s, "app", version)) {
		t.Fatalf("%d files: %q", len(got), got)
	}
	// The versions after those are gone: they must not be created again.
	for stale := range version {
		mustNotSwap(t, m.open(t), "app", stale)
	}
	if v := mustLoad(t, s, "app"); v.Version != version {
		t.Errorf("version %d, want %d", v.Version, version)
	}
}

func TestFileRemovesWhatKilledProcessesLeft(t *testing.T) {
	m, root := directory(t)
	s, dir := m.open(t), filepath.Join(root, "app")
	mustSwap(t, s, "app", 0, []byte("data"))
	write := func(name string, age time.Duration) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-age)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	write(tempPrefix+"old", tempLife+time.Second)
	write(tempPrefix+"young", tempLife-10*time.Second)
	write("readme.txt", 2*retain) // not ours
	if v := mustLoad(t, s, "app"); v.Version != 1 {
		t.Errorf("version %d", v.Version)
	}
	mustSwap(t, s, "app", 1, []byte("data"))
	want := []string{formatVersion(at(t, s, "app", 1)), formatVersion(at(t, s, "app", 2)), originName, "readme.txt", tempPrefix + "young"}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLink(t *testing.T) {
	dir := t.TempDir()
	write := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	mine, other := write("mine"), write("other")
	target := filepath.Join(dir, "target")
	for name, test := range map[string]struct {
		temp string
		want bool
	}{"the first": {mine, true}, "another": {other, false}} {
		_ = os.Remove(target)
		if err := os.Link(mine, target); err != nil {
			t.Fatal(err)
		}
		// Where the name is our own file already, the answer was lost.
		if ok, err := link(test.temp, target); ok != test.want || err != nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
	if ok, err := link(filepath.Join(dir, "none"), filepath.Join(dir, "new")); ok || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestFileClockIsTheFileSystems(t *testing.T) {
	path, now, err := writeTemp(t.TempDir(), []byte("x"), true)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || !info.ModTime().Equal(now) {
		t.Errorf("%v, want %v (%v)", now, info.ModTime(), err)
	}
}

func TestFileTooLarge(t *testing.T) {
	m, _ := directory(t)
	s := m.open(t)
	mustSwap(t, s, "app", 0, make([]byte, maxValue+1))
	if _, err := s.Load(t.Context(), "app"); !errors.Is(err, errTooLarge) {
		t.Error(err)
	}
}

func BenchmarkFile(b *testing.B) {
	m, _ := directory(b)
	benchmark(b, m)
}
