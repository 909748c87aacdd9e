package main

import (
	"archive/zip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/simulator"
)

// TestZipsStartAndAnswer goes the whole way: package, unpack as the platform does, run
// in the local runtime, and ask.
func TestZipsStartAndAnswer(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the zips hold a binary for linux/amd64")
	}
	out := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "run", "./scripts/package", "-out", out)
	cmd.Dir = "../.."
	printed, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	t.Logf("printed:\n%s", printed)

	type function interface {
		http.Handler
		Close() error
	}
	for _, kind := range []struct {
		name  string
		entry string
		start func(gateway.Config) (function, error)
	}{
		{"event", "main", func(c gateway.Config) (function, error) { return gateway.StartEvent(t.Context(), c) }},
		{"web", "scf_bootstrap", func(c gateway.Config) (function, error) { return gateway.StartWeb(t.Context(), c) }},
	} {
		t.Run(kind.name, func(t *testing.T) {
			path := filepath.Join(out, kind.name+".zip")
			line := regexp.MustCompile(regexp.QuoteMeta(filepath.ToSlash(path)) + ` +\d\.\d\d MB  sha256 [0-9a-f]{64}\n`)
			if !line.Match(printed) {
				t.Errorf("no line like %v was printed", line)
			}
			upstream := simulator.New(simulator.Config{Apps: map[string]string{"IDAtest1": "test-secret-1"}})
			server := httptest.NewServer(upstream)
			defer server.Close()
			f, err := kind.start(gateway.Config{Binary: filepath.Join(unpack(t, path), kind.entry), Env: environment(server.URL)})
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			expectAnswers(t, f, upstream)
		})
	}
}

func TestOutsideTheProject(t *testing.T) {
	err := run(t.Context(), t.TempDir(), t.TempDir(), false, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "in the project's folder") {
		t.Errorf("got %v", err)
	}
}

// unpack writes the files of a zip with the modes that it gives them.
func unpack(t *testing.T, path string) (dir string) {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	dir = t.TempDir()
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name), data, f.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// environment is that of a function before an upstream.
func environment(upstream string) map[string]string {
	return map[string]string{
		"KYC_APP_ID":    "IDAtest1",
		"KYC_SECRET":    "test-secret-1",
		"KYC_BASE_URL":  upstream,
		"CALLER_TOKENS": "test:test-token-0123456789",
	}
}

// expectAnswers asks a function for its health and for a result.
func expectAnswers(t *testing.T, f http.Handler, upstream *simulator.Simulator) {
	t.Helper()
	if health := get(t, f, "/healthz"); health["status"] != "ok" {
		t.Errorf("health: %v", health)
	}
	if answer := get(t, f, "/ocr/bankcard/order1"); answer["code"] != "0" {
		t.Errorf("answer: %v", answer)
	}
	if broken := upstream.Violations(); len(broken) > 0 {
		t.Errorf("rules of the upstream: %q", broken)
	}
}

func get(t *testing.T, h http.Handler, path string) (answer map[string]any) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Authorization", "Bearer test-token-0123456789")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	return answer
}
