package endtoend

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// line is the network before the upstream: a listener that can be taken away and, where
// the fault is about certificates, TLS.
type line struct {
	authority   string // file with the certificate of the authority that the function trusts, or ""
	good, wrong tls.Certificate
	refuse      bool

	mu       sync.Mutex
	spoilt   string // the call whose connection goes wrong, "" none
	now      bool   // the next connection is of that call
	hits     int
	listener *interruptible
}

// newLine returns the line that a fault needs. The function finds its authority by a
// variable that Go's own verifier knows on Unix only.
func newLine(t *testing.T, f *fault) *line {
	l := &line{refuse: f.name == "connection refused"}
	if f.line && goruntime.GOOS != "linux" {
		t.Skip("SSL_CERT_FILE is not looked at, and a port cannot be kept")
	}
	if !f.line || l.refuse {
		return l
	}
	ca := newAuthority(t)
	l.authority = filepath.Join(t.TempDir(), "authority.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.certificate.Raw})
	if err := os.WriteFile(l.authority, text, 0o600); err != nil {
		t.Fatal(err)
	}
	here := []net.IP{net.IPv4(127, 0, 0, 1)}
	l.good = ca.issue(t, x509.Certificate{IPAddresses: here})
	switch {
	case strings.HasPrefix(f.name, "wrong name"):
		l.wrong = ca.issue(t, x509.Certificate{DNSNames: []string{"other.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 2)}})
	case strings.HasPrefix(f.name, "expired"):
		l.wrong = ca.issue(t, x509.Certificate{IPAddresses: here, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour)})
	default:
		l.wrong = newAuthority(t).issue(t, x509.Certificate{IPAddresses: here})
	}
	return l
}

// serve starts the upstream.
func (l *line) serve(server *httptest.Server) {
	if l.refuse {
		l.listener = newInterruptible(server.Listener)
		server.Listener = l.listener
	}
	if l.authority == "" {
		server.Start()
		return
	}
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		certificate := l.good
		if l.now {
			certificate = l.wrong
			l.hits++
		}
		config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
		if l.now {
			// Who stands in for the upstream has no session of it to resume.
			var key [32]byte
			_, _ = rand.Read(key[:])
			config.SetSessionTicketKeys([][32]byte{key})
		}
		return config, nil
	}}
	server.StartTLS()
}

// expect spoils the connections of a call; next is the one that comes first.
func (l *line) expect(call, next string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spoilt, l.hits = call, 0
	l.arrives(next)
}

// answered says which call is being answered: the one that follows comes next.
func (l *line) answered(armed, call string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if armed != "" {
		l.arrives(map[string]string{"token": "ticket", "ticket": "query"}[call])
	}
}

func (l *line) arrives(call string) {
	l.now = call == l.spoilt
	if l.now && l.refuse {
		l.hits++ // refusals cannot be counted
		l.listener.shut()
	}
}

// mend repairs the line, and returns how often it was in the way.
func (l *line) mend() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spoilt, l.now = "", false
	if l.refuse {
		l.listener.reopen()
	}
	return l.hits
}

// interruptible is a listener that nobody is behind, at times.
type interruptible struct {
	address net.Addr

	mu     sync.Mutex
	inner  net.Listener
	change chan struct{} // closed when inner is replaced
	closed bool
	free   func() // gives up the port that nobody listens at
}

func newInterruptible(inner net.Listener) *interruptible {
	return &interruptible{address: inner.Addr(), inner: inner, change: make(chan struct{})}
}

func (d *interruptible) Addr() net.Addr { return d.address }

func (d *interruptible) Accept() (net.Conn, error) {
	for {
		d.mu.Lock()
		inner, change, closed := d.inner, d.change, d.closed
		d.mu.Unlock()
		if closed {
			return nil, net.ErrClosed
		}
		if inner != nil {
			if conn, err := inner.Accept(); err == nil {
				return conn, nil
			}
		}
		<-change
	}
}

func (d *interruptible) replace(inner net.Listener) {
	if d.inner != nil {
		_ = d.inner.Close()
	}
	d.inner = inner
	close(d.change)
	d.change = make(chan struct{})
}

func (d *interruptible) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inner != nil {
		_ = d.inner.Close()
		d.inner = nil
		// Another test's server must not be found there instead.
		d.free = keepPort(d.address.(*net.TCPAddr).Port)
	}
}

func (d *interruptible) reopen() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inner != nil || d.closed {
		return
	}
	inner, err := net.Listen("tcp", d.address.String()) // beside the socket that keeps the port
	d.free()
	if err != nil {
		panic(err)
	}
	d.replace(inner)
}

func (d *interruptible) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.closed = true
		d.replace(nil)
	}
	return nil
}

// authority issues certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-72 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{certificate, key}
}

// issue signs a certificate, which holds for an hour unless it says otherwise.
func (a *authority) issue(t *testing.T, template x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(2)
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, &template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
