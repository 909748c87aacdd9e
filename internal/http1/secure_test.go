package http1

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// secure serves TLS with a certificate for example.com, and returns what a client needs.
func secure(t *testing.T, handle func(*tls.Conn)) (*server, *Pool) {
	certified := httptest.NewTLSServer(nil)
	t.Cleanup(certified.Close)
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	s := serve(t, func(_ int, c net.Conn) { handle(tls.Server(c, certified.TLS)) })
	p := s.pool(t)
	p.TLS = &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12}
	return s, p
}

// A connection is kept, and says farewell when it is given up: one without may cost the session with some servers.
func TestFarewell(t *testing.T) {
	left := make(chan error, 1)
	s, p := secure(t, func(c *tls.Conn) {
		in := bufio.NewReader(c)
		for {
			if _, err := http.ReadRequest(in); err != nil {
				left <- err
				return
			}
			if _, err := io.WriteString(c, ok(strings.Repeat("x", 64<<10))); err != nil {
				left <- err
				return
			}
		}
	})
	for range 3 {
		if _, body, err := ask(p, get(t.Context(), "")); err != nil || len(body) != 64<<10 {
			t.Fatalf("%d bytes, %v", len(body), err)
		}
	}
	if got := s.dials.Load(); got != 1 {
		t.Errorf("%d dials", got)
	}
	p.CloseIdleConnections()
	if err := <-left; err != io.EOF {
		t.Errorf("the connection ended with %v", err)
	}
}

// The end of a connection that comes with an answer is not overlooked.
func TestFarewellOfTheServer(t *testing.T) {
	left := make(chan bool, 9)
	_, p := secure(t, func(c *tls.Conn) {
		if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(c, ok("1"))
			_ = c.CloseWrite()
			left <- true
			_, _ = c.Read(make([]byte, 1))
		}
	})
	for range 3 {
		r := post(t.Context(), "body")
		r.GetBody = nil
		mustAsk(t, p, r, "1")
		<-left
	}
}
