package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const goodToken = "token-of-alice-0123456789"

var schedule = ticket.Schedule{Refresh: 20 * time.Minute, Overlap: time.Minute}

// issuer issues the same pair again and again, or fails.
type issuer struct{ err error }

func (i issuer) Token(context.Context) (secret.Credential, error) {
	return secret.Credential{Value: secret.New("canary-token"), Life: time.Hour}, i.err
}

func (i issuer) Ticket(context.Context, secret.Text) (secret.Credential, error) {
	return secret.Credential{Value: secret.New("canary-ticket"), Life: time.Hour}, i.err
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take returns the lines so far, and forgets them.
func (l *lines) take(t testing.TB) (list []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		fields := map[string]any{}
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("not JSON: %s", line)
		}
		list = append(list, fields)
	}
	l.text.Reset()
	return list
}

func newLog(to *lines) *slog.Logger { return slog.New(slog.NewJSONHandler(to, nil)) }

// newHandler returns a Handler of the app IDA1 whose upstream answers with answer, and its log.
func newHandler(t testing.TB, answer http.HandlerFunc, change func(*Config)) (*Handler, *lines) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := upstream.New(upstream.Config{BaseURL: base, Timeout: 5 * time.Second})
	t.Cleanup(client.Close)
	logged := &lines{}
	log := newLog(logged)
	c := Config{
		Apps: []string{"IDA1"}, DefaultApp: "IDA1",
		Callers:  []Caller{{"alice", secret.New(goodToken)}, {"bob", secret.New("token-of-bob-0123456789")}},
		Upstream: client,
		Tickets: ticket.New(ticket.Config{
			Apps:     map[string]ticket.App{"IDA1": {Issuer: issuer{}}},
			Schedule: schedule,
		}),
		StoreKind: "memory",
		Log:       log,
	}
	if change != nil {
		change(&c)
	}
	return NewHandler(func(context.Context) (*Relay, error) { return New(c), nil }, log), logged
}

func answerWith(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

func noAuth(c *Config) { c.NoAuth = true }

// get asks a Handler over its HTTP side.
func get(h *Handler, target string, header http.Header) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header = header
	h.ServeHTTP(w, r)
	return w
}
