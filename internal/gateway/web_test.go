package gateway_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kyc-ocr-relay/internal/gateway"
)

// startWeb runs the test binary as a Web function until the test ends.
func startWeb(t *testing.T, c gateway.Config) *gateway.Web {
	t.Helper()
	c.Binary = os.Args[0]
	c.Env = map[string]string{roleVar: "web", "SETTING": "v"}
	w, err := gateway.StartWeb(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func TestWebPassesOn(t *testing.T) {
	t.Setenv("GATEWAY_TEST_PARENT", "secret of the machine")
	f := startWeb(t, gateway.Config{})
	if f.Started() <= 0 {
		t.Errorf("Started() = %v", f.Started())
	}
	r := httptest.NewRequest("POST", "http://relay.example/echo/a%2Fb%20c?a=1;b&bad=%zz", strings.NewReader("\xe5\x8d\xa1"))
	r.Header["Accept"] = []string{"a/b", "c/d"}
	r.Header.Set("X-Scf-Secret-Key", "the client's")
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)

	if w.Code != http.StatusTeapot || w.Header().Get("X-Request-Id") != "kept" {
		t.Errorf("got %d, %v", w.Code, w.Header())
	}
	if got := w.Header()["Set-Cookie"]; !slices.Equal(got, []string{"a=1", "b=2"}) {
		t.Errorf("cookies %q", got)
	}
	id := w.Header()["X-Scf-Request-Id"]
	if len(id) != 1 || !requestID.MatchString(id[0]) {
		t.Fatalf("request id %q", id)
	}
	var s webSeen
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	if s.Method != "POST" || s.URI != "/echo/a%2Fb%20c?a=1;b&bad=%zz" || s.Host != "relay.example" || s.Body != "卡" {
		t.Errorf("got %+v", s)
	}
	if s.Setting != "v" || s.Inherited != "" {
		t.Errorf("environment: %q, %q", s.Setting, s.Inherited)
	}
	for name, want := range map[string][]string{
		"Accept":              {"a/b", "c/d"},
		"X-Scf-Request-Id":    id,
		"X-Scf-Remote-Addr":   {"192.0.2.1"},
		"X-Scf-Secret-Id":     {gateway.FakeSecretID},
		"X-Scf-Secret-Key":    {gateway.FakeSecretKey},
		"X-Scf-Session-Token": {gateway.FakeSessionToken},
	} {
		if got := s.Header[name]; !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestWebFailures(t *testing.T) {
	hurried := startWeb(t, gateway.Config{TimeLimit: 50 * time.Millisecond})
	if w := serve(hurried, "GET", "/block", ""); w.Code != 504 {
		t.Errorf("time limit: %d %s", w.Code, w.Body)
	}
	f := startWeb(t, gateway.Config{})
	if w := serve(f, "GET", "/large", ""); w.Code != 407 {
		t.Errorf("large response: %d %s", w.Code, w.Body)
	}
	if w := serve(f, "GET", "/exit", ""); w.Code != 500 {
		t.Errorf("exit: %d %s", w.Code, w.Body)
	}
}

func TestWebSizeLimit(t *testing.T) {
	f := startWeb(t, gateway.Config{})
	server := httptest.NewServer(f)
	defer server.Close()
	body := strings.Repeat("x", gateway.MaxPayload+1)
	for name, reader := range map[string]io.Reader{
		"announced": strings.NewReader(body),
		"chunked":   io.MultiReader(strings.NewReader(body)), // of no known length
	} {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequest("POST", "/echo/", reader))
		if w.Code != 407 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	r, err := server.Client().Get(server.URL + "/endless")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	n, err := io.Copy(io.Discard, r.Body)
	if err == nil || n > gateway.MaxPayload {
		t.Errorf("an endless response: %d bytes, %v", n, err)
	}
}

func TestWebCloseLeavesNothing(t *testing.T) {
	f := startWeb(t, gateway.Config{})
	if w := serve(f, "GET", "/echo/", ""); w.Code != http.StatusTeapot {
		t.Errorf("got %d", w.Code)
	}
	f.Close()
	f.Close()
	if w := serve(f, "GET", "/echo/", ""); w.Code != 500 {
		t.Errorf("after Close: %d", w.Code)
	}
	if err := f.Process().Signal(os.Interrupt); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("the process lives: %v", err)
	}
	goleak.VerifyNone(t)
}
