package archive_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kyc-ocr-relay/internal/archive"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheSameSourceGivesTheSameBinary(t *testing.T) {
	first, err := archive.Compile(t.Context(), "../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOFLAGS", "-tags=something")
	t.Setenv("GOAMD64", "v3")
	t.Setenv("CGO_ENABLED", "1")
	second, err := archive.Compile(t.Context(), workingCopy(t))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Errorf("%x here, %x from another folder and environment", sha256.Sum256(first), sha256.Sum256(second))
	}
}

// binary stands for a built one. (The race detector makes packing a whole one slow;
// the test of scripts/package does that.)
var binary = bytes.Repeat([]byte("a binary for linux/amd64 "), 1000)

func pack(t *testing.T, kind archive.Kind) *archive.Archive {
	t.Helper()
	a, err := archive.Pack(kind, binary)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestTheSameBinaryGivesTheSameZip(t *testing.T) {
	for _, kind := range []archive.Kind{archive.Event, archive.Web} {
		first, second := pack(t, kind), pack(t, kind)
		if first.SHA256 != second.SHA256 || !bytes.Equal(first.Zip, second.Zip) {
			t.Errorf("%s: %s and then %s", kind, first.SHA256, second.SHA256)
		}
		if sum := fmt.Sprintf("%x", sha256.Sum256(first.Zip)); sum != first.SHA256 {
			t.Errorf("%s: SHA-256 %s, not %s", kind, sum, first.SHA256)
		}
	}
}

func TestZipHoldsWhatThePlatformNeeds(t *testing.T) {
	for kind, names := range map[archive.Kind][]string{
		archive.Event: {"main"},
		archive.Web:   {"main", "scf_bootstrap"},
	} {
		a := pack(t, kind)
		z, err := zip.NewReader(bytes.NewReader(a.Zip), int64(len(a.Zip)))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, f := range z.File {
			got = append(got, f.Name)
			if f.Mode() != 0o755 {
				t.Errorf("%s: %s has mode %v", kind, f.Name, f.Mode())
			}
			if f.CreatorVersion>>8 != 3 {
				t.Errorf("%s: %s does not say that its mode is one of Unix", kind, f.Name)
			}
			if f.Method != zip.Deflate || !f.Modified.Equal(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)) {
				t.Errorf("%s: %s: method %d, time %v", kind, f.Name, f.Method, f.Modified)
			}
			if data := read(t, f); !bytes.Equal(data, a.Files[i].Data) {
				t.Errorf("%s: %s holds %d bytes, not the %d packed", kind, f.Name, len(data), len(a.Files[i].Data))
			}
		}
		if !slices.Equal(got, names) {
			t.Errorf("%s holds %q, expected %q", kind, got, names)
		}
	}
}

func TestBootstrapIsAScript(t *testing.T) {
	files := pack(t, archive.Web).Files
	text := string(files[1].Data)
	if !strings.HasPrefix(text, "#!/bin/bash\n") || !strings.HasSuffix(text, "\n") || strings.Contains(text, "\r") {
		t.Errorf("%q is not a script with LF line ends", text)
	}
	if !strings.Contains(text, "PORT:-9000") || !strings.Contains(text, "\nexec ") {
		t.Errorf("%q does not replace itself by a server on port 9000", text)
	}
}

func TestUnknownKind(t *testing.T) {
	if _, err := archive.Pack("both", nil); err == nil || !strings.Contains(err.Error(), "event and web are known") {
		t.Errorf("got %v", err)
	}
}

func TestCompileFails(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module broken\n\ngo 1.26\n")
	write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() { undefined() }\n")
	_, err := archive.Build(t.Context(), dir, archive.Event)
	if err == nil || !strings.Contains(err.Error(), "go build") || !strings.Contains(err.Error(), "main.go:3") {
		t.Errorf("got %v", err)
	}
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	a := pack(t, archive.Web)
	for range 2 { // the second time over the first
		path, err := a.Save(dir)
		if err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(path); err != nil || !bytes.Equal(data, a.Zip) {
			t.Errorf("%s: %d bytes, %v", path, len(data), err)
		}
		for _, f := range a.Files {
			info, err := os.Stat(filepath.Join(dir, "web", f.Name))
			if err != nil {
				t.Fatal(err)
			}
			if runtime.GOOS != "windows" && info.Mode() != 0o755 {
				t.Errorf("%s has mode %v", f.Name, info.Mode())
			}
		}
		os.Chmod(filepath.Join(dir, "web", "main"), 0o644)
	}
}

// workingCopy copies the module's source to another folder.
func workingCopy(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if name == ".git" || name == "dist" || name == "node_modules" || name == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") && name != "go.mod" && name != "go.sum" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("../..", path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, f *zip.File) []byte {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
