package scf

import (
	"bytes"
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
// that takes most of the time of a cold start. Where there is a bundle, and no certificate in a
// directory that is no link, the directories are left out. Who sets SSL_CERT_FILE or SSL_CERT_DIR
// has it as set. Call it before the first connection.
func RootsOnce(getenv func(string) string, setenv func(name, value string) error) {
	const variable = "SSL_CERT_DIR"
	if getenv(variable) != "" || getenv("SSL_CERT_FILE") != "" {
		return
	}
	for _, name := range bundles {
		if hasRoots(name) {
			if !addRoots(name) {
				_ = setenv(variable, os.DevNull) // without it they are read twice
			}
			return
		}
	}
}

// addRoots reports whether a directory has a root of its own beside a bundle.
func addRoots(bundle string) bool {
	for _, directory := range directories {
		entries, err := os.ReadDir(directory)
		if err != nil {
			continue
		}
		for _, e := range entries {
			name := filepath.Join(directory, e.Name())
			if e.Type().IsRegular() && name != bundle && hasRoots(name) {
				return true
			}
		}
	}
	return false
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
