package endtoend

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	goruntime "runtime"
	"sync"
	"testing"
)

// lossy is an upstream's listener that drops connections before anything of HTTP is sent: while the
// two sides still agree on TLS.
type lossy struct {
	net.Listener

	mu            sync.Mutex
	drop, dropped int
}

func (l *lossy) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		spoilt := l.drop > 0
		if spoilt {
			l.drop--
			l.dropped++
		}
		l.mu.Unlock()
		if !spoilt {
			return conn, nil
		}
		_ = conn.Close()
	}
}

// expect has the next n connections dropped, and returns how many were since the last time.
func (l *lossy) expect(n int) (dropped int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	dropped, l.drop, l.dropped = l.dropped, n, 0
	return dropped
}

// TestActsAreRepeatedWhereNothingWasSent drops connections: one is nobody's concern, as many as there
// are attempts are a failure, and nothing was sent meanwhile.
func TestActsAreRepeatedWhereNothingWasSent(t *testing.T) {
	t.Parallel()
	if goruntime.GOOS != "linux" {
		t.Skip("SSL_CERT_FILE is not looked at")
	}
	ca := newAuthority(t)
	trusted := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(trusted, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.certificate.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	certificate := ca.issue(t, x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	lines := func(t *testing.T, over transport) (*world, *lossy) {
		l := &lossy{}
		w := open(t, over, setting{env: map[string]string{"SSL_CERT_FILE": trusted}, serve: func(s *httptest.Server) {
			l.Listener, s.Listener = s.Listener, l
			s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
			s.Config.SetKeepAlivesEnabled(false) // every call has a connection of its own
			s.StartTLS()
		}})
		w.expectStatus("/ocr/bankcard/firstOfItsApp", 200)
		return w, l
	}
	for _, over := range actTransports[:2] {
		t.Run("one, "+over.name, func(t *testing.T) {
			t.Parallel()
			w, l := lines(t, over)
			for _, a := range acts {
				l.expect(1)
				a.exchange(a.order("dropped")).run(t, w)
				if n := l.expect(0); n != 1 {
					t.Errorf("%s: %d connections were dropped", a.name, n)
				}
			}
		})
		t.Run("all, "+over.name, func(t *testing.T) {
			t.Parallel()
			w, l := lines(t, over)
			for _, a := range acts {
				e, want := a.refused(a.order("gone"), 502, "FailedOperation.UpstreamUnreachable"), 3
				if a.gives == "start" && a.call != "" {
					want *= 2 // of the upload and of the NONCE ticket
				}
				e.asks, e.sends, e.silent = 0, "", true
				l.expect(want)
				e.run(t, w)
				if n := l.expect(0); n != want {
					t.Errorf("%s: %d attempts, want %d", a.name, n, want)
				}
			}
		})
	}
}
