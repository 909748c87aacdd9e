package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/simulator"
)

// TestImage goes the whole way: package, read the image back, unpack its layers, start what is in them
// as its user and with nothing else to see, and ask.
func TestImage(t *testing.T) {
	out := t.TempDir()
	printed := packageImage(t, "../..", out)
	i := readLayout(t, filepath.Join(out, "image"))
	digest, err := i.Digest()
	if err != nil {
		t.Fatal(err)
	}

	t.Run("the digest is printed", func(t *testing.T) {
		line := regexp.MustCompile(`image\.tar +\d\.\d\d MB  digest ` + digest.String() + "\n")
		if !line.MatchString(printed) {
			t.Errorf("no line like %v in\n%s", line, printed)
		}
	})
	t.Run("every tool reads it", func(t *testing.T) { readsEverywhere(t, out, digest) })
	t.Run("the platform is told what it needs", func(t *testing.T) {
		c, err := i.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		want := v1.Config{
			Entrypoint: []string{"/kyc-ocr-relay"}, User: "65532:65532", WorkingDir: "/",
			ExposedPorts: map[string]struct{}{"9000/tcp": {}}, Labels: c.Config.Labels,
		}
		if diff := cmp.Diff(want, c.Config); diff != "" {
			t.Error(diff)
		}
		if c.OS != "linux" || c.Architecture != "amd64" || !c.Created.Equal(made) || len(c.Config.Labels) != 2 {
			t.Errorf("config: %+v", c)
		}
	})

	root := t.TempDir()
	entries := unpackImage(t, i, root)
	t.Run("there is nothing in it but what it needs", func(t *testing.T) {
		want := map[string]fs.FileMode{ // no passwd, no shell, no bit that lets somebody write
			"etc": 0o555, "etc/ssl": 0o555, "etc/ssl/certs": 0o555, rootsFile: 0o444, "kyc-ocr-relay": 0o555,
		}
		if diff := cmp.Diff(want, entries); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("its roots are roots", func(t *testing.T) { checkRoots(t, filepath.Join(root, rootsFile)) })
	t.Run("it answers", func(t *testing.T) { imageAnswers(t, root) })
	t.Run("the same image from another folder, over an older one", func(t *testing.T) {
		again := t.TempDir()
		blobs := filepath.Join(again, "image", "blobs", "sha256")
		if err := os.MkdirAll(blobs, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(blobs, "older"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		packageImage(t, otherFolder(t), again)
		if a, b := sum(t, filepath.Join(out, "image.tar")), sum(t, filepath.Join(again, "image.tar")); a != b {
			t.Errorf("image.tar is %s here and %s there", a, b)
		}
	})
}

// packageImage runs the command: compressing under the race detector takes long.
func packageImage(t *testing.T, folder, out string) (printed string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "run", "./scripts/package", "-image", "-out", out)
	cmd.Dir = folder
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return string(text)
}

func readLayout(t *testing.T, folder string) v1.Image {
	t.Helper()
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil || len(m.Manifests) != 1 {
		t.Fatalf("index %+v: %v", m, err)
	}
	i, err := index.Image(m.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// readsEverywhere reads the image as tools do: the layout as crane does, the tar as "docker load", and
// with skopeo where there is one.
func readsEverywhere(t *testing.T, out string, digest v1.Hash) {
	file := filepath.Join(out, "image.tar")
	if err := validate.Image(readLayout(t, filepath.Join(out, "image"))); err != nil {
		t.Errorf("layout: %v", err)
	}
	docker, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(docker); err != nil {
		t.Errorf("tar: %v", err)
	}
	if _, err := exec.LookPath("skopeo"); err != nil {
		t.Log("skopeo is not installed: the tar was not read with it")
		return
	}
	text, err := exec.CommandContext(t.Context(), "skopeo", "inspect", "oci-archive:"+file).Output()
	if err != nil {
		t.Fatal(err)
	}
	var seen struct{ Digest string }
	if err := json.Unmarshal(text, &seen); err != nil || seen.Digest != digest.String() {
		t.Errorf("skopeo reads the digest %s, not %s (%v)", seen.Digest, digest, err)
	}
}

func checkRoots(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		n++
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil || !c.IsCA || !bytes.Equal(c.RawIssuer, c.RawSubject) {
			t.Errorf("root %d is none: %v", n, err)
		}
	}
	if n < 100 {
		t.Errorf("only %d roots", n)
	}
}

// imageAnswers starts what was unpacked in root, before an upstream whose certificate is added to the image's
// roots. As root it sees nothing but that.
func imageAnswers(t *testing.T, root string) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the image holds a binary for linux/amd64")
	}
	start := filepath.Join(root, entrypoint)
	if chroot, err := exec.LookPath("chroot"); err == nil && os.Getuid() == 0 {
		if err := os.Chmod(filepath.Dir(root), 0o755); err != nil { // of the test's own folder, which its user cannot enter
			t.Fatal(err)
		}
		start = filepath.Join(t.TempDir(), "start")
		script := fmt.Sprintf("#!/bin/sh\nexec %s --userspec=%s %s %s\n", chroot, nobody, root, entrypoint)
		if err := os.WriteFile(start, []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	} else {
		t.Log("not root: it is started where it is, with all of this machine to see")
	}
	upstream := simulator.New(simulator.Config{Apps: map[string]string{"IDAtest1": "test-secret-1"}})
	server := httptest.NewTLSServer(upstream)
	defer server.Close()
	env := environment(server.URL)
	roots := filepath.Join(root, filepath.FromSlash(rootsFile))
	addRoot(t, roots, server.Certificate().Raw)
	if start == filepath.Join(root, entrypoint) {
		env["SSL_CERT_FILE"] = roots
	}
	f, err := gateway.StartWeb(t.Context(), gateway.Config{Binary: start, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if start != filepath.Join(root, entrypoint) {
		process := fmt.Sprintf("/proc/%d", f.Process().Pid)
		if seen, err := os.Readlink(process + "/root"); err != nil || seen != root {
			t.Errorf("it sees %s, not %s (%v)", seen, root, err)
		}
		if status, err := os.ReadFile(process + "/status"); err != nil ||
			!regexp.MustCompile(`(?m)^Uid:\t65532\t65532\t65532\t65532$`).Match(status) {
			t.Errorf("it does not run as %s: %v\n%s", nobody, err, status)
		}
	}
	expectAnswers(t, f, upstream)
}
