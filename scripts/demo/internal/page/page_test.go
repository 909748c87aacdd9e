package page

import (
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// request is a GET of the page's own address, as a browser's user makes it, or a POST of the page,
// with headers "Name: value" besides.
func request(t *testing.T, h http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader("{}"))
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func newPage() http.Handler {
	return New(Config{
		Inbox: new(Inbox), Apps: []string{"IDAdemo1"},
		War: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("war " + r.URL.Path)) }),
	})
}

// Who may ask: the page itself and its user, and no other host or site.
func TestGuard(t *testing.T) {
	h := newPage()
	const own = "http://127.0.0.1:8080"
	for _, c := range []struct {
		method, url string
		headers     []string
		allowed     bool
	}{
		{"GET", own + "/", nil, true},
		{"GET", own + "/", []string{"Sec-Fetch-Site: none"}, true},
		{"GET", own + "/app.js", []string{"Sec-Fetch-Site: same-origin"}, true},
		{"GET", "http://localhost:8080/", nil, true},
		{"GET", "http://[::1]:8080/", nil, true},
		{"GET", "http://localhost/", nil, true},
		{"POST", own + "/api/void", []string{"Origin: " + own, "Sec-Fetch-Site: same-origin"}, true},
		{"POST", own + "/api/void", []string{"Origin: " + own}, true},

		{"GET", "http://rebound.example/", nil, false},
		{"GET", "http://rebound.example:8080/", nil, false},
		{"GET", "http://127.0.0.1.example:8080/", nil, false},
		{"GET", "http://localhost.:8080/", nil, false},
		{"GET", "http://192.168.0.2:8080/", nil, false},
		{"GET", own + "/", []string{"Sec-Fetch-Site: cross-site"}, false},
		{"GET", own + "/api/setup", []string{"Sec-Fetch-Site: same-site"}, false},
		{"GET", own + "/api/setup", []string{"Origin: http://127.0.0.1:9"}, false},
		{"POST", own + "/api/void", []string{"Sec-Fetch-Site: none"}, false},
		{"POST", own + "/api/void", []string{"Sec-Fetch-Site: cross-site"}, false},
		{"POST", own + "/api/void", []string{"Origin: https://evil.example"}, false},
		{"POST", own + "/api/void", []string{"Origin: null"}, false},
		{"POST", own + "/war/kill", []string{"Origin: http://evil.example"}, false},
	} {
		w := request(t, h, c.method, c.url, c.headers...)
		if allowed := w.Code != http.StatusForbidden; allowed != c.allowed {
			t.Errorf("%s %s %v: %d", c.method, c.url, c.headers, w.Code)
		}
		for name, want := range map[string]string{"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s %s: %s is %q", c.method, c.url, name, got)
			}
		}
	}
}

// What changes something is a POST: a link, a picture or a prefetch cannot.
func TestActsArePosts(t *testing.T) {
	for _, path := range []string{"/api/ask", "/api/void", "/api/phone", "/api/event"} {
		if w := request(t, newPage(), http.MethodGet, "http://127.0.0.1"+path); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %d", path, w.Code)
		}
	}
}

func TestWar(t *testing.T) {
	if got := request(t, newPage(), http.MethodGet, "http://127.0.0.1/war/tickets.js").Body.String(); got != "war /tickets.js" {
		t.Errorf("%q", got)
	}
}

// The static files have their types and nothing that the policy would refuse, or that is elsewhere.
func TestStaticFiles(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<script>|\son\w+=|style="|javascript:|(from|import|fetch|url|src|href|@import)[\s=('"]+https?:`)
	entries, err := fs.ReadDir(static, "static")
	if err != nil || len(entries) < 8 {
		t.Fatal(len(entries), err)
	}
	for _, entry := range entries {
		w := request(t, newPage(), http.MethodGet, "http://127.0.0.1/"+entry.Name())
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") == "" {
			t.Errorf("%s: %d, type %q", entry.Name(), w.Code, w.Header().Get("Content-Type"))
		}
		if found := inline.FindString(w.Body.String()); found != "" {
			t.Errorf("%s has %q", entry.Name(), found)
		}
	}
}

// The page is no part of the function.
func TestNotDeployed(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "kyc-ocr-relay").Output()
	if err != nil || !strings.Contains(string(out), "kyc-ocr-relay/handler\n") {
		t.Fatal(err)
	}
	if strings.Contains(string(out), "kyc-ocr-relay/scripts") || strings.Contains(string(out), "chromedp") {
		t.Errorf("deployed:\n%s", out)
	}
}

// A log gives each request its own lines.
func TestLog(t *testing.T) {
	var l Log
	mark := l.mark()
	for _, part := range []string{`{"msg":"ticket `, "renewed\"}\n" + `{"msg":"request","request_id":"a"}` + "\n", `{"msg":"request","request_id":"b"}` + "\nlate\n"} {
		if n, err := l.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if got := strings.Join(l.of(t.Context(), "b", mark), "|"); got != `{"msg":"ticket renewed"}|{"msg":"request","request_id":"b"}` {
		t.Error(got)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if got := l.of(gone, "c", l.mark()); len(got) != 0 {
		t.Error(got)
	}
	for range mostLines * 2 {
		_, _ = l.Write([]byte("line\n"))
	}
	if lines, _ := l.since(mark); len(lines) != mostLines {
		t.Errorf("%d lines", len(lines))
	}
}
