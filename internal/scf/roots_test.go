package scf

import (
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRootsOnce(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(folder, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	good := write("good", "# roots\n-----BEGIN CERTIFICATE-----\nMII\n")
	empty := write("empty", "")
	defer func(before []string) { bundles = before }(bundles)
	defer func(before []string) { directories = before }(directories)
	links, more := filepath.Join(folder, "links"), filepath.Join(folder, "more")
	for _, name := range []string{links, more} {
		if err := os.Mkdir(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(good, filepath.Join(links, "good.pem")); err != nil {
		t.Fatal(err)
	}
	write(filepath.Join("links", "Makefile"), "all:\n")
	write(filepath.Join("more", "own.pem"), "-----BEGIN CERTIFICATE-----\n")
	for what, c := range map[string]struct {
		bundles     []string
		directories []string
		env         map[string]string
		want        string
	}{
		"a bundle":                  {[]string{filepath.Join(folder, "none"), good}, []string{links, "/none"}, nil, os.DevNull},
		"a root of its own":         {[]string{good}, []string{links, more}, nil, ""},
		"a bundle among the files":  {[]string{filepath.Join(more, "own.pem")}, []string{more}, nil, os.DevNull},
		"no bundle":                 {[]string{filepath.Join(folder, "none")}, nil, nil, ""},
		"an empty bundle":           {[]string{empty, folder}, nil, nil, ""},
		"a directory of the user's": {[]string{good}, nil, map[string]string{"SSL_CERT_DIR": "/mine"}, "/mine"},
		"a file of the user's":      {[]string{good}, nil, map[string]string{"SSL_CERT_FILE": "/mine"}, ""},
	} {
		env := map[string]string{}
		for name, value := range c.env {
			env[name] = value
		}
		bundles, directories = c.bundles, c.directories
		RootsOnce(func(name string) string { return env[name] }, func(name, value string) error { env[name] = value; return nil })
		if env["SSL_CERT_DIR"] != c.want {
			t.Errorf("%s: SSL_CERT_DIR is %q, want %q", what, env["SSL_CERT_DIR"], c.want)
		}
	}
}

// A process that reads the roots once knows the same ones. It is this test's own binary, as a process
// reads them a single time.
func TestRootsAreTheSame(t *testing.T) {
	if os.Getenv("SCF_ROOTS") != "" {
		if os.Getenv("SCF_ROOTS") == "once" {
			RootsOnce(os.Getenv, os.Setenv)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			t.Fatal(err)
		}
		var all []byte
		for _, subject := range pool.Subjects() { //nolint:staticcheck // of the system's pool, which is what is compared
			all = append(all, subject...)
		}
		if err := os.WriteFile(os.Getenv("SCF_ROOTS_TO"), all, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	read := func(how string) string {
		to := filepath.Join(t.TempDir(), "subjects")
		command := exec.Command(os.Args[0], "-test.run=^TestRootsAreTheSame$")
		command.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SSL_CERT_") })
		command.Env = append(command.Env, "SCF_ROOTS="+how, "SCF_ROOTS_TO="+to)
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		all, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		return string(all)
	}
	if read("once") != read("twice") {
		t.Error("other roots, or another order")
	}
}
