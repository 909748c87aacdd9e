package upstream

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kyc-ocr-relay/internal/secret"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "20") // the tests wait for pauses between attempts
	goleak.VerifyTestMain(m)
}

// connect returns a client of a server that answers with h. Both end with the test.
func connect(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return dial(t, server.URL, 5*time.Second)
}

func dial(t *testing.T, base string, timeout time.Duration) *Client {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	c := New(Config{BaseURL: u, Timeout: timeout})
	t.Cleanup(c.Close)
	return c
}

// text answers with a body.
func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

// card asks for a bank card.
func card() Query {
	return Query{Type: BankCard, AppID: "IDA1", OrderNo: "order1", Ticket: secret.New("canary-ticket"), Limit: 1 << 20}
}
