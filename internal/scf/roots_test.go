package scf

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
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
	larger := write("larger", "# mine\n# roots\n-----BEGIN CERTIFICATE-----\nMII\n# more\n")
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
	write(filepath.Join("more", "own.pem"), "-----BEGIN CERTIFICATE-----\nAAA\n")
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
		"a file of the user's":      {[]string{good}, nil, map[string]string{"SSL_CERT_FILE": empty}, ""},
		"a file of the user's, with the system's roots in it": {[]string{good}, nil, map[string]string{"SSL_CERT_FILE": larger}, os.DevNull},
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
		var all []string
		//lint:ignore SA1019 the pool is not the one of the system that has no list, but was read from files
		for _, subject := range pool.Subjects() {
			all = append(all, hex.EncodeToString(subject))
		}
		if err := os.WriteFile(os.Getenv("SCF_ROOTS_TO"), []byte(strings.Join(all, "\n")), 0o600); err != nil {
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
	twice := strings.Split(read("twice"), "\n")
	for _, subject := range strings.Split(read("once"), "\n") {
		if i := slices.Index(twice, subject); i >= 0 {
			twice = slices.Delete(twice, i, i+1)
		} else {
			t.Error("a root that is not the system's")
		}
	}
	if len(twice) > servers() {
		t.Errorf("%d roots are missing", len(twice))
	}
}

// servers returns how many certificates of servers stand among the system's roots.
func servers() (n int) {
	for _, name := range directories {
		entries, _ := os.ReadDir(name)
		for _, e := range entries {
			text, err := os.ReadFile(filepath.Join(name, e.Name()))
			if block, _ := pem.Decode(text); err == nil && block != nil && e.Type().IsRegular() {
				if c, err := x509.ParseCertificate(block.Bytes); err == nil && !c.IsCA {
					n++
				}
			}
		}
	}
	return n
}
