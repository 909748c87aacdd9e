package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// otherFolder copies what the command needs of the module.
func otherFolder(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "main.go"} {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"handler", "internal", "signer", "scripts/internal", "scripts/package"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join("../..", name))); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// unpackImage writes the files of all layers, and returns the modes of all entries.
func unpackImage(t *testing.T, i v1.Image, root string) map[string]fs.FileMode {
	t.Helper()
	entries := map[string]fs.FileMode{}
	stream := mutate.Extract(i)
	defer stream.Close()
	for r := tar.NewReader(stream); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return entries
		}
		if err != nil {
			t.Fatal(err)
		}
		name := path.Clean(h.Name)
		if entries[name] = h.FileInfo().Mode().Perm(); h.Uid != 0 || h.Gid != 0 || !h.ModTime.Equal(made) {
			t.Errorf("%s is of %d:%d and of %v", name, h.Uid, h.Gid, h.ModTime)
		}
		to := filepath.Join(root, filepath.FromSlash(name))
		if h.Typeflag == tar.TypeDir {
			err = os.Mkdir(to, 0o755) // one that cannot be written could not be filled, or removed after the test
		} else {
			var data []byte
			if data, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(to, data, h.FileInfo().Mode().Perm())
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func addRoot(t *testing.T, file string, certificate []byte) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})...)
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func sum(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}
