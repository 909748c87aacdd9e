// Package archive builds the function and packs it the way the platform takes code:
// a zip with the binary at its root. The same source and the same version of Go give
// the same bytes, wherever and whenever it is built.
package archive

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Kind is the kind of function that an archive is for.
type Kind string

// The kinds.
const (
	Event Kind = "event" // runtime Go1, handler main
	Web   Kind = "web"   // an HTTP server, started by scf_bootstrap
)

// bootstrap is what the platform starts a Web function with: it expects the file
// scf_bootstrap, with its run bit and LF line ends, at the root of the zip, and a
// server on port 9000 (cloud.tencent.com document 583, Web functions). The shell is
// replaced, so that the function gets the platform's signals itself.
const bootstrap = `#!/bin/bash
export PORT="${PORT:-9000}"
exec "$(dirname "$0")/main"
`

// File is one file of an archive. All of them may be run.
type File struct {
	Name string // slash-separated
	Data []byte
}

// Archive is a function's code as the platform takes it.
type Archive struct {
	Kind   Kind
	Files  []File // in the order of the zip
	Zip    []byte
	SHA256 string // of Zip, in hex
}

// Build builds the Go command in the folder dir for the platform and packs it.
func Build(ctx context.Context, dir string, kind Kind) (*Archive, error) {
	binary, err := Compile(ctx, dir)
	if err != nil {
		return nil, err
	}
	return Pack(kind, binary)
}

// Tags is the flag of go build that leaves HTTP/2 out of net/http, where nothing asks for it: the platform
// speaks HTTP/1.1 to a Web function, and connections with a TLS configuration of their own are not upgraded.
// A process starts faster, the less there is to lay out in its memory.
const Tags = "-tags=nethttpomithttp2"

// Compile builds the Go command in the folder dir as a static binary for the platform,
// with nothing in it of the machine that it was built on.
func Compile(ctx context.Context, dir string) ([]byte, error) {
	temp, err := os.MkdirTemp("", "kyc-ocr-relay-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	binary := filepath.Join(temp, "main")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", Tags, "-ldflags=-s -w -buildid=", "-o", binary, ".") // #nosec G204 -- into a folder of our own
	cmd.Dir = dir
	// What the settings of the machine could change about the binary is set here. (An
	// empty GOFLAGS would not do: "go env -w" would fill it.)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1",
		"GOFLAGS=-trimpath", "GOFIPS140=off", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, bytes.TrimSpace(out))
	}
	return os.ReadFile(binary) // #nosec G304 -- what was built just now
}

// GoVersion returns the version of Go that Compile builds the folder dir with.
func GoVersion(ctx context.Context, dir string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Pack makes the archive of a binary that has been built.
func Pack(kind Kind, binary []byte) (*Archive, error) {
	a := &Archive{Kind: kind, Files: []File{{"main", binary}}}
	switch kind {
	case Event:
	case Web:
		a.Files = append(a.Files, File{"scf_bootstrap", []byte(bootstrap)})
	default:
		return nil, fmt.Errorf("unknown kind of function %q: event and web are known", string(kind))
	}
	var b bytes.Buffer
	if err := pack(&b, a.Files); err != nil {
		return nil, fmt.Errorf("zip: %w", err)
	}
	sum := sha256.Sum256(b.Bytes())
	a.Zip, a.SHA256 = b.Bytes(), hex.EncodeToString(sum[:])
	return a, nil
}

// packed is the time of every file: the first that a zip can hold. The time of the
// build would make every zip another one.
var packed = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// mode is set by the zip writer, not taken from a disk: Windows has no run bits.
const mode fs.FileMode = 0o755

func pack(w io.Writer, files []File) error {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	for _, f := range files {
		h := &zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: packed}
		h.SetMode(mode)
		to, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := to.Write(f.Data); err != nil {
			return err
		}
	}
	return z.Close()
}

// Save writes the zip to dir/KIND.zip, and its files to the folder dir/KIND for tools
// that pack a folder themselves. It returns the path of the zip.
func (a *Archive) Save(dir string) (string, error) {
	folder := filepath.Join(dir, string(a.Kind))
	err := os.MkdirAll(folder, 0o755) // #nosec G301 -- has no secret
	if err != nil {
		return "", err
	}
	for _, f := range a.Files {
		path := filepath.Join(folder, f.Name)
		if err := os.WriteFile(path, f.Data, mode); err != nil {
			return "", err
		}
		if err := os.Chmod(path, mode); err != nil { // it may have been there, with another mode
			return "", err
		}
	}
	path := filepath.Join(dir, string(a.Kind)+".zip")
	return path, os.WriteFile(path, a.Zip, 0o644) // #nosec G306 -- has no secret
}
