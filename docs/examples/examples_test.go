// Package examples holds the files of this folder to what reads them.
package examples

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/internal/testmain"
)

// folder has the function's binary.
var folder testmain.Folder

func TestMain(m *testing.M) { testmain.Run(m, &folder) }

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

// relay starts the function as an HTTP server, before a simulated upstream.
func relay(t *testing.T, env map[string]string) (*gateway.Web, *simulator.Simulator) {
	t.Helper()
	upstream := simulator.New(simulator.Config{Apps: map[string]string{app: "test-secret-1"}})
	server := httptest.NewServer(upstream)
	t.Cleanup(server.Close)
	all := map[string]string{"KYC_APP_ID": app, "KYC_SECRET": "test-secret-1", "KYC_BASE_URL": server.URL}
	for name, value := range env {
		all[name] = value
	}
	web, err := gateway.StartWeb(t.Context(), gateway.Config{Binary: folder.Function(t), Env: all})
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
