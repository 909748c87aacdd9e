package roots

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"testing"
	"time"
)

const host = "kyc.example"

// authority is a certificate with its key.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

var serial int64

// issue has a certificate signed; by nil: by itself.
func issue(t *testing.T, by *authority, change func(*x509.Certificate)) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: fmt.Sprint("authority ", serial)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	change(template)
	signer := &authority{template, key}
	if by != nil {
		signer = by
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.certificate, key.Public(), signer.key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{certificate, key}
}

func signs(c *x509.Certificate) {
	c.IsCA, c.KeyUsage, c.ExtKeyUsage = true, x509.KeyUsageCertSign, nil
}
func serves(c *x509.Certificate)   { c.DNSNames = []string{host} }
func expired(c *x509.Certificate)  { c.NotAfter = time.Now().Add(-time.Minute) }
func unborn(c *x509.Certificate)   { c.NotBefore = time.Now().Add(time.Minute) }
func misnamed(c *x509.Certificate) { c.DNSNames = []string{"other.example"} }

func all(changes ...func(*x509.Certificate)) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		for _, change := range changes {
			change(c)
		}
	}
}

// chains returns the chains that a server might present, the bundle of roots that the client has, and
// what is to be accepted.
func chains(t *testing.T) (cases map[string][]*authority, bundle []byte, good map[string]bool) {
	root, unknown, old := issue(t, nil, signs), issue(t, nil, signs), issue(t, nil, all(signs, expired))
	named := func(other *authority) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.Subject = other.certificate.Subject }
	}
	twin := issue(t, nil, all(signs, named(root))) // another key under the same name
	middle := issue(t, root, signs)
	late := issue(t, root, all(signs, expired))
	limited := issue(t, root, all(signs, func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"other.example"}
	}))
	alone := issue(t, nil, serves)
	leaf := issue(t, unknown, serves) // trusted as it is
	server := func(by *authority, changes ...func(*x509.Certificate)) *authority {
		return issue(t, by, all(append([]func(*x509.Certificate){serves}, changes...)...))
	}
	ofMiddle, ofTwin := server(middle), server(twin)
	cases = map[string][]*authority{
		"good":                   {ofMiddle, middle},
		"with its root":          {ofMiddle, middle, root},
		"in disorder":            {ofMiddle, root, middle},
		"straight from the root": {server(root)},
		"of the twin":            {ofTwin},
		"trusted itself":         {leaf},

		"without the middle":      {ofMiddle},
		"unknown root":            {server(unknown)},
		"unknown root, sent":      {server(unknown), unknown},
		"signed by itself":        {alone},
		"expired":                 {server(middle, expired), middle},
		"not yet valid":           {server(middle, unborn), middle},
		"misnamed":                {server(middle, misnamed), middle},
		"nameless":                {server(middle, func(c *x509.Certificate) { c.DNSNames = nil }), middle},
		"middle expired":          {server(late), late},
		"root expired":            {server(old)},
		"for clients":             {server(middle, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), middle},
		"of a name out of bounds": {server(limited), limited},
		"of no authority":         {server(ofMiddle), ofMiddle, middle},
	}
	good = map[string]bool{"good": true, "with its root": true, "in disorder": true, "straight from the root": true, "of the twin": true, "trusted itself": true}
	if system, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt"); err == nil {
		bundle = system
	}
	for _, a := range []*authority{old, root, twin, leaf} {
		bundle = append(bundle, "# a root\n-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n"...)
		bundle = append(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})...)
	}
	// What crypto/x509 takes for none: with a header, under another title.
	for _, block := range []pem.Block{{Type: "CERTIFICATE", Headers: map[string]string{"a": "b"}}, {Type: "TRUSTED CERTIFICATE"}} {
		block.Bytes = unknown.certificate.Raw
		bundle = append(bundle, pem.EncodeToMemory(&block)...)
	}
	return cases, bundle, good
}

// connect shakes hands with a server that presents a chain, and returns the client's error.
func connect(t *testing.T, chain []*authority, c *tls.Config) error {
	t.Helper()
	served := tls.Certificate{PrivateKey: chain[0].key}
	for _, a := range chain {
		served.Certificate = append(served.Certificate, a.certificate.Raw)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{served}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := listener.Accept(); err == nil {
			_ = conn.(*tls.Conn).HandshakeContext(t.Context())
			_ = conn.Close()
		}
	}()
	conn, err := (&tls.Dialer{Config: c}).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err == nil {
		_ = conn.Close()
	}
	<-done
	_ = listener.Close()
	return err
}
