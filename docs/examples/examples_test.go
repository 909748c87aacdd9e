// Package examples holds the files of this folder to what reads them.
package examples

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/simulator"
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "kyc-ocr-relay-examples-")
	if err != nil {
		panic(err)
	}
	folder = dir
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// decode reads JSON into to, and accepts no member that to does not have.
func decode(t *testing.T, text []byte, to any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Fatalf("after the JSON: %v", err)
	}
}

// folder lives as long as the test binary, whose tests share what is built.
var folder string

var build = sync.OnceValues(func() (binary string, err error) {
	binary = filepath.Join(folder, "main")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "../..").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out)
	}
	return binary, err
})

// buildRelay builds the function.
func buildRelay(t *testing.T) (binary string) {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// relay starts the function as an HTTP server, before a simulated upstream.
func relay(t *testing.T, env map[string]string) (*gateway.Web, *simulator.Simulator) {
	t.Helper()
	binary := buildRelay(t)
	upstream := simulator.New(simulator.Config{Apps: map[string]string{app: "test-secret-1"}})
	server := httptest.NewServer(upstream)
	t.Cleanup(server.Close)
	all := map[string]string{"KYC_APP_ID": app, "KYC_SECRET": "test-secret-1", "KYC_BASE_URL": server.URL}
	for name, value := range env {
		all[name] = value
	}
	web, err := gateway.StartWeb(t.Context(), gateway.Config{Binary: binary, Env: all})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { web.Close() })
	return web, upstream
}

const app = "IDAtest1"

func get(h http.Handler, path, authorization string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
