package roots

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every chain is judged as crypto/tls judges it with the system's pool, to the text of its error. The
// pool is read once in a process: it is this test's own binary, with a bundle of the test's.
func TestAsTheStandardPool(t *testing.T) {
	if os.Getenv("ROOTS_OF_THIS_TEST") == "" {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAsTheStandardPool$", "-test.v") // #nosec G204 -- this very test
		command.Env = append(os.Environ(), "ROOTS_OF_THIS_TEST=yes", "SSL_CERT_FILE="+filepath.Join(t.TempDir(), "roots.pem"), "SSL_CERT_DIR="+t.TempDir())
		out, err := command.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("25 chains")) {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	cases, bundle, good := chains(t)
	if err := os.WriteFile(os.Getenv("SSL_CERT_FILE"), bundle, 0o600); err != nil {
		t.Fatal(err)
	}
	compared := 0
	judge := func(name string, chain []*authority, ours *tls.Config, want bool) {
		t.Helper()
		compared++
		standard := connect(t, chain, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: ours.ServerName})
		got := connect(t, chain, ours)
		if fmt.Sprint(got) != fmt.Sprint(standard) || (got == nil) != want {
			t.Errorf("%s: %v, crypto/tls says %v", name, got, standard)
		}
		var failed *tls.CertificateVerificationError
		if got != nil && (!errors.As(got, &failed) || len(failed.UnverifiedCertificates) != len(chain)) {
			t.Errorf("%s: a %T", name, got)
		}
	}
	again := Config(host)
	for name, chain := range cases {
		judge(name, chain, Config(host), good[name])
		if err := connect(t, chain, again); (err == nil) != good[name] {
			t.Errorf("%s, where others were judged before: %v", name, err)
		}
	}
	for _, name := range []string{"other.example", "KYC.example", "kyc.example.", "127.0.0.1", "*.example", "example"} {
		judge(name, cases["good"], Config(name), name == "KYC.example" || name == "kyc.example.")
	}
	t.Logf("%d chains", compared)
}

// A session is resumed while its certificate is valid. Behind that there is a handshake, in which the
// server may show another one.
func TestResumption(t *testing.T) {
	root := issue(t, nil, func(c *x509.Certificate) { signs(c); c.NotAfter = c.NotAfter.Add(24 * time.Hour) })
	bundle := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.certificate.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", bundle)
	first, next := issue(t, root, serves), issue(t, root, all(serves, func(c *x509.Certificate) { c.NotAfter = c.NotAfter.Add(24 * time.Hour) }))
	presented := first
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		presented = first
		listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: version, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return &tls.Certificate{Certificate: [][]byte{presented.certificate.Raw}, PrivateKey: presented.key}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		var now time.Time
		config := Config(host)
		config.Time = func() time.Time { return now }
		connect := func() (tls.ConnectionState, error) {
			served := make(chan struct{})
			go func() {
				defer close(served)
				if conn, err := listener.Accept(); err == nil {
					_, _ = conn.Write([]byte("x")) // the session comes before it
					_ = conn.Close()
				}
			}()
			defer func() { <-served }()
			conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", listener.Addr().String())
			if err != nil {
				return tls.ConnectionState{}, err
			}
			defer conn.Close()
			_, err = io.ReadFull(conn, make([]byte, 1))
			return conn.(*tls.Conn).ConnectionState(), err
		}
		for i, c := range []struct {
			now             time.Time
			presents        *authority
			resumes, refuse bool
		}{
			{time.Now(), first, false, false},
			{time.Now(), first, true, false},
			{first.certificate.NotAfter, next, true, false},
			{first.certificate.NotAfter.Add(time.Second), next, false, false},
			{first.certificate.NotAfter.Add(time.Second), next, true, false},
			{next.certificate.NotAfter.Add(time.Second), next, false, true},
		} {
			now, presented = c.now, c.presents
			state, err := connect()
			if (err != nil) != c.refuse || state.DidResume != c.resumes {
				t.Errorf("TLS %x, connection %d: resumed %t, %v", version, i, state.DidResume, err)
			}
		}
		_ = listener.Close()
	}
}

// Without a bundle the roots are those of the directory.
func TestNoBundle(t *testing.T) {
	if os.Getenv("ROOTS_OF_THIS_TEST") == "" {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNoBundle$") // #nosec G204 -- this very test
		command.Env = append(os.Environ(), "ROOTS_OF_THIS_TEST=yes", "SSL_CERT_FILE="+filepath.Join(t.TempDir(), "none"), "SSL_CERT_DIR="+t.TempDir())
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	root := issue(t, nil, signs)
	file := filepath.Join(os.Getenv("SSL_CERT_DIR"), "own.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.certificate.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := connect(t, []*authority{issue(t, root, serves)}, Config(host)); err != nil {
		t.Error(err)
	}
	if err := connect(t, []*authority{issue(t, issue(t, nil, signs), serves)}, Config(host)); err == nil {
		t.Error("a root that nobody knows is trusted")
	}
}

// The layouts of Debian and of CentOS 7, where the platform runs: the first bundle that is there counts.
func TestBundles(t *testing.T) {
	t.Setenv("SSL_CERT_FILE", "")
	defer func(before []string) { bundles = before }(bundles)
	folder := t.TempDir()
	bundles = []string{filepath.Join(folder, "debian.crt"), filepath.Join(folder, "centos.crt")}
	if look(func(_, _ []byte) bool { return true }) {
		t.Error("a root out of nowhere")
	}
	for i := len(bundles) - 1; i >= 0; i-- {
		root := issue(t, nil, signs)
		if err := os.WriteFile(bundles[i], pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.certificate.Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
		server := []*authority{issue(t, root, serves)}
		if err := connect(t, server, Config(host)); err != nil {
			t.Error(err)
		}
	}
}

// A long line, or a file that ends within a certificate, ends the look and no more.
func TestLookEnds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "roots.pem")
	t.Setenv("SSL_CERT_FILE", file)
	for _, text := range []string{"", "-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\nMII", string(bytes.Repeat([]byte("x"), 1<<20))} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if look(func(_, _ []byte) bool { return true }) {
			t.Errorf("%.30q has a certificate", text)
		}
	}
}
