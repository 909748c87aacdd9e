package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// secure is an upstream with TLS. It notes for each request whether its connection's session was
// resumed.
type secure struct {
	*httptest.Server
	mu      sync.Mutex
	resumed []bool
}

func newSecure(t *testing.T) (*secure, *Client) {
	t.Helper()
	s := &secure{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.resumed = append(s.resumed, r.TLS.DidResume)
		_, _ = io.WriteString(w, `{"code":"0"}`)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	if _, err := x509.SystemCertPool(); err != nil { // read once, and not with this root
		t.Fatal(err)
	}
	bundle := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", bundle)
	base, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := New(Config{BaseURL: base, Timeout: 5 * time.Second})
	t.Cleanup(c.Close)
	return s, c
}

func (c *Client) query(ctx context.Context) error {
	_, err := c.Result(ctx, Query{Type: BankCard, AppID: "IDA1", OrderNo: "o1", Ticket: secret.New("t"), Limit: 1 << 10})
	return err
}

// An instance that asks once in a while does not shake hands from the beginning each time.
func TestSessionIsResumed(t *testing.T) {
	s, c := newSecure(t)
	for range 3 {
		if err := c.query(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	if len(s.resumed) != 3 || s.resumed[0] || !s.resumed[1] || !s.resumed[2] {
		t.Errorf("resumed %v", s.resumed)
	}
}

// A resumed session is as strict as a new one about who the other side is, and when.
func TestResumedSessionIsVerified(t *testing.T) {
	for what, spoil := range map[string]func(*secure, *tls.Config){
		"another name": func(_ *secure, c *tls.Config) { c.ServerName = "other.example" },
		"expired": func(s *secure, c *tls.Config) {
			c.Time = func() time.Time { return s.Certificate().NotAfter.Add(time.Hour) }
		},
	} {
		s, c := newSecure(t)
		if err := c.query(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.Close()
		spoil(s, c.pool.TLS)
		var e *Error
		if err := c.query(t.Context()); !errors.As(err, &e) || e.Reason != Unreachable || e.Detail != "the certificate cannot be verified" {
			t.Errorf("%s: %v", what, err)
		}
	}
}
