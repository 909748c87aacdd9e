package handler

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/pipetest"
	"kyc-ocr-relay/internal/relay"
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

// handlerOf returns a Handler of the Relays that open returns.
func handlerOf(open func(context.Context) (*relay.Relay, error), log *slog.Logger) *Handler {
	return New(relay.NewCurrent(open, log), log)
}

// newHandler returns a Handler of the app IDA1 whose upstream answers with answer, and its log.
func newHandler(t testing.TB, answer http.HandlerFunc, change func(*relay.Config)) (*Handler, *pipetest.Log) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := upstream.New(upstream.Config{BaseURL: base, Timeout: 20 * time.Second})
	t.Cleanup(client.Close)
	logged := &pipetest.Log{}
	log := logged.Logger()
	c := relay.Config{
		Apps: []string{"IDA1"}, DefaultApp: "IDA1",
		Callers:  []config.Caller{{Name: "alice", Token: secret.New(goodToken)}, {Name: "bob", Token: secret.New("token-of-bob-0123456789")}},
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
	return handlerOf(func(context.Context) (*relay.Relay, error) { return relay.New(c), nil }, c.Log), logged
}

func answerWith(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

func noAuth(c *relay.Config) { c.NoAuth = true }

// get asks a Handler over its HTTP side.
func get(h *Handler, target string, header http.Header) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header = header
	h.ServeHTTP(w, r)
	return w
}
