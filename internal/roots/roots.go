// Package roots verifies servers by the system's roots, and reads those alone that a server's chain
// asks for: crypto/x509 parses all of them, of the bundle and again of the directory beside it, which
// takes the better part of a cold start at a small share of a processor.
package roots

import (
	"bufio"
	"bytes"
	"crypto/fips140"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"os"
	"runtime"
	"sync"
	"time"
)

// bundles are the files that crypto/x509 looks for the system's roots in, in its order: of Debian,
// of CentOS and its kin, of SUSE, of Alpine.
var bundles = []string{
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/pki/tls/cacert.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/cert.pem",
}

// sessions is how many sessions are kept for resumption: an instance that is asked once in a while has a
// connection of its own for each request, and need not check certificates and signatures anew.
const sessions = 4

// Config returns the configuration of connections to host, of the caller's own. It trusts whom the
// standard one trusts: what it accepts has a chain to a root of the system's bundle, or of SSL_CERT_FILE,
// and all else is for the standard verification to judge, with all roots.
func Config(host string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, ClientSessionCache: tls.NewLRUClientSessionCache(sessions)}
	if runtime.GOOS == "linux" && !fips140.Enabled() {
		v := &verifier{config: c}
		c.InsecureSkipVerify = true // #nosec G402 -- VerifyConnection does what is skipped
		c.VerifyConnection = v.verify
		c.ClientSessionCache = cache{c.ClientSessionCache, v}
	}
	return c
}

// cache has no session whose certificate has expired, as crypto/tls resumes none: the server may have
// another one by now.
type cache struct {
	tls.ClientSessionCache
	verifier *verifier
}

// Get implements tls.ClientSessionCache.
func (c cache) Get(key string) (*tls.ClientSessionState, bool) {
	if c.verifier.now().After(c.verifier.expiry()) {
		return nil, false
	}
	return c.ClientSessionCache.Get(key)
}

// verifier verifies the chains of one host.
type verifier struct {
	config *tls.Config

	mu     sync.Mutex
	found  *x509.CertPool // roots that a chain asked for
	looked bool           // whether the bundle was looked through
	until  time.Time      // the end of the certificate that was verified last
}

func (v *verifier) now() time.Time {
	if v.config.Time != nil {
		return v.config.Time()
	}
	return time.Now()
}

func (v *verifier) expiry() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.until
}

var errNoCertificate = errors.New("the server has no certificate")

// verify returns what crypto/tls does of a chain.
func (v *verifier) verify(s tls.ConnectionState) error {
	chain := s.PeerCertificates
	if len(chain) == 0 || v.config.ServerName == "" { // without a name, any would do
		return errNoCertificate
	}
	now := v.now()
	if s.DidResume && !now.After(chain[0].NotAfter) && chain[0].VerifyHostname(v.config.ServerName) == nil {
		return nil // the chain was verified when the session began
	}
	o := x509.VerifyOptions{DNSName: v.config.ServerName, Intermediates: x509.NewCertPool(), CurrentTime: now}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.fast(chain, o) {
		if _, err := chain[0].Verify(o); err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
		}
	}
	v.until = chain[0].NotAfter
	return nil
}

// fast reports whether a root that it knows, or finds, is at the end of a chain. v.mu is held.
func (v *verifier) fast(chain []*x509.Certificate, o x509.VerifyOptions) bool {
	verified := func() bool {
		o.Roots = v.found
		_, err := chain[0].Verify(o)
		return err == nil
	}
	if v.looked {
		return v.found != nil && verified()
	}
	v.looked = true
	return look(func(root, text []byte) bool {
		for _, c := range chain {
			// An issuer's name stands in the issuer's certificate as it stands in this one.
			if !bytes.Contains(root, c.RawIssuer) {
				continue
			}
			if v.found == nil {
				v.found = x509.NewCertPool()
			}
			return v.found.AppendCertsFromPEM(text) && verified()
		}
		return false
	})
}

// look calls is with each certificate of the bundle, decoded and as it stands there, and reports whether
// one is. It reads no further then.
func look(is func(der, text []byte) bool) bool {
	f := open()
	if f == nil {
		return false
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	var text, encoded, der []byte // reused: memory that is touched for the first time is slow
	inside := false
	for lines.Scan() {
		line := lines.Bytes()
		switch {
		case bytes.HasPrefix(line, []byte("-----BEGIN CERTIFICATE-----")):
			text, encoded, inside = text[:0], encoded[:0], true
		case bytes.HasPrefix(line, []byte("-----END CERTIFICATE-----")) && inside:
			inside = false
			text = append(append(text, line...), '\n')
			var err error
			if der, err = base64.StdEncoding.AppendDecode(der[:0], encoded); err == nil && is(der, text) {
				return true
			}
			continue
		case inside:
			encoded = append(encoded, bytes.TrimSpace(line)...)
		}
		if inside {
			text = append(append(text, line...), '\n')
		}
	}
	return false
}

// open opens the bundle that crypto/x509 would read; nil: there is none.
func open() *os.File {
	names := bundles
	if own := os.Getenv("SSL_CERT_FILE"); own != "" {
		names = []string{own}
	}
	for _, name := range names {
		f, err := os.Open(name) // #nosec G304 -- the system's, or the user's own setting
		if err == nil {
			return f
		}
	}
	return nil
}
