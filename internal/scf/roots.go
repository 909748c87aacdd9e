package scf

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
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

// directories are where crypto/x509 looks for more roots, one file each.
var directories = []string{"/etc/ssl/certs", "/etc/pki/tls/certs"}

// RootsOnce has crypto/x509 read the system's roots once. It reads a bundle and then the
// directories, where the same roots stand again, behind links: at a small share of a processor
// that takes most of the time of a cold start. Where there is a bundle, and no file of a directory
// has a root that is not in it, the directories are left out; links are not followed, as they lead
// to what the bundle was made of. Who sets SSL_CERT_DIR has it as set, and
// who sets SSL_CERT_FILE, too, unless that file has the whole bundle in it. Call it before the first
// connection.
func RootsOnce(getenv func(string) string, setenv func(name, value string) error) {
	const variable = "SSL_CERT_DIR"
	if getenv(variable) != "" {
		return
	}
	for _, name := range bundles {
		if hasRoots(name) {
			if own := getenv("SSL_CERT_FILE"); !addRoots(name) && (own == "" || isIn(name, own)) {
				_ = setenv(variable, os.DevNull) // without it they are read twice
			}
			return
		}
	}
}

// isIn reports whether the whole of a file stands in another one.
func isIn(name, other string) bool {
	part, err := os.ReadFile(name) // #nosec G304 -- one of bundles
	if err != nil {
		return false
	}
	whole, err := os.ReadFile(other) // #nosec G304 -- the user's own setting
	return err == nil && bytes.Contains(whole, part)
}

// addRoots reports whether a directory has a root of its own beside a bundle.
func addRoots(bundle string) bool {
	known, err := os.ReadFile(bundle) // #nosec G304 -- one of bundles
	if err != nil {
		return true
	}
	for _, directory := range directories {
		entries, err := os.ReadDir(directory)
		if err != nil {
			continue
		}
		for _, e := range entries {
			name := filepath.Join(directory, e.Name())
			if e.Type().IsRegular() && name != bundle && hasRoots(name) && isRoot(name, known) {
				return true
			}
		}
	}
	return false
}

// isRoot reports whether a file has something else than a root of the bundle, or the certificate of
// a server of this machine, which verifies nobody else.
func isRoot(name string, bundle []byte) bool {
	text, err := os.ReadFile(name) // #nosec G304 -- below one of directories
	if err != nil || bytes.Contains(bundle, bytes.TrimSpace(text)) {
		return err != nil
	}
	block, rest := pem.Decode(text)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return true
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	return err != nil || certificate.IsCA
}

// hasRoots reports whether a file begins like a bundle of certificates.
func hasRoots(name string) bool {
	f, err := os.Open(name) // #nosec G304 -- one of bundles
	if err != nil {
		return false
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 64<<10))
	return err == nil && bytes.Contains(head, []byte("-----BEGIN CERTIFICATE-----"))
}
