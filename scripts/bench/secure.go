package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// secure serves answer with TLS, and returns a file with the system's roots and its own. A connection is kept for so
// long between two requests, 0 for good, but ends with an order number that begins with c in place of s.
func (b *bench) secure(answer http.Handler, kept time.Duration) (*http.Server, string, error) {
	certificate, root, err := chain()
	if err != nil {
		return nil, "", err
	}
	system, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		return nil, "", fmt.Errorf("the system's roots, of the package ca-certificates: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(b.ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	file := filepath.Join(b.dir, "roots-"+port+".pem") // of this upstream alone
	if err := os.WriteFile(file, append(system, root...), 0o600); err != nil {
		return nil, "", errors.Join(err, listener.Close())
	}
	server := &http.Server{ // #nosec G112 -- only the benchmarked programs ask it
		Addr:        listener.Addr().String(),
		ErrorLog:    log.New(io.Discard, "", 0),
		IdleTimeout: kept,
		TLSConfig:   &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			query := r.URL.Query()
			if order, ends := strings.CutPrefix(query.Get("order_no"), "c"); ends {
				query.Set("order_no", "s"+order)
				r.URL.RawQuery = query.Encode()
				w.Header().Set("Connection", "close")
			}
			answer.ServeHTTP(w, r)
		}),
	}
	go server.ServeTLS(listener, "", "")
	return server, file, nil
}

// chain returns a certificate for 127.0.0.1 with RSA-2048, as the vendor's, its intermediate, and the
// root in PEM.
func chain() (certificate tls.Certificate, root []byte, err error) {
	var parent *x509.Certificate
	var parentKey *rsa.PrivateKey
	for i := range 3 {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return certificate, nil, err
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: fmt.Sprint("bench ", i)},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
			IsCA: i < 2, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		}
		if parent == nil {
			parent, parentKey = template, key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
		if err != nil {
			return certificate, nil, err
		}
		if i == 0 {
			root = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		} else {
			certificate.Certificate = append([][]byte{der}, certificate.Certificate...)
		}
		if parent, err = x509.ParseCertificate(der); err != nil {
			return certificate, nil, err
		}
		parentKey, certificate.PrivateKey = key, key
	}
	return certificate, root, nil
}
