package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const (
	imageName  = "kyc-ocr-relay:latest"
	entrypoint = "/kyc-ocr-relay"
	rootsFile  = "etc/ssl/certs/ca-certificates.crt" // where Go looks first
	// nobody is the user and the group of the process: no file is theirs. It is a number, because
	// Kubernetes can tell only of a number that it is not root's; this one is that of "nonroot" elsewhere.
	nobody = "65532:65532"
)

// made is the time of everything in the image. The time of the build would make every image another one.
var made = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// image is the function as a container image.
type image struct {
	v1.Image
	digest v1.Hash // of its manifest
	size   int64   // of what a registry stores
	roots  int     // certificates in it
}

// newImage makes an OCI image of a static binary for linux/amd64: that binary and the roots that the
// upstream is verified with, and nothing else. No file and no folder may be written, not even by its owner.
func newImage(binary []byte) (*image, error) {
	roots, n := rootCertificates()
	layers := make([]mutate.Addendum, 0, 2)
	for _, l := range []struct {
		what  string
		files []file
	}{
		{"the roots of golang.org/x/crypto/x509roots", []file{ // first: it rarely changes
			{"etc/", nil, 0o555}, {"etc/ssl/", nil, 0o555}, {"etc/ssl/certs/", nil, 0o555}, {rootsFile, roots, 0o444},
		}},
		{"the relay", []file{{entrypoint[1:], binary, 0o555}}},
	} {
		data, err := tarFiles(l.files)
		if err != nil {
			return nil, err
		}
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
			tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.BestCompression), tarball.WithCompressedCaching)
		if err != nil {
			return nil, err
		}
		layers = append(layers, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: made}, CreatedBy: l.what}})
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	base, err := mutate.ConfigFile(base, &v1.ConfigFile{
		Architecture: "amd64",
		OS:           "linux",
		Created:      v1.Time{Time: made},
		RootFS:       v1.RootFS{Type: "layers"},
		Config: v1.Config{
			Entrypoint:   []string{entrypoint},
			User:         nobody,
			WorkingDir:   "/",
			ExposedPorts: map[string]struct{}{"9000/tcp": {}},
			Labels: map[string]string{
				"org.opencontainers.image.title":       "kyc-ocr-relay",
				"org.opencontainers.image.description": "A relay that holds an app's credentials for Tencent Cloud 人脸核身",
			},
		},
	})
	if err != nil {
		return nil, err
	}
	i := &image{roots: n}
	if i.Image, err = mutate.Append(base, layers...); err != nil {
		return nil, err
	}
	if i.digest, err = i.Digest(); err != nil {
		return nil, err
	}
	m, err := i.Manifest()
	if err != nil {
		return nil, err
	}
	i.size = m.Config.Size
	for _, l := range m.Layers {
		i.size += l.Size
	}
	return i, nil
}

// rootCertificates returns Mozilla's roots as the Go project keeps them, in PEM, and their number. A root
// that is trusted for older certificates alone is left out: a file cannot say so.
func rootCertificates() (text []byte, n int) {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			n++
			_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a Buffer takes all
		}
	}
	return b.Bytes(), n
}

// save writes the image to dir/image, an OCI layout, and the same to dir/image.tar. That is a layout and
// what "docker load" takes, in one. It returns the path of the tar.
func (i *image) save(dir string) (string, error) {
	folder := filepath.Join(dir, "image")
	if err := os.RemoveAll(folder); err != nil { // blobs of an earlier one would go into the tar
		return "", err
	}
	l, err := layout.Write(folder, empty.Index)
	if err != nil {
		return "", err
	}
	if err := l.AppendImage(i, layout.WithAnnotations(map[string]string{
		"org.opencontainers.image.ref.name": "latest",
		"io.containerd.image.name":          "docker.io/library/" + imageName, // for Docker's newer store
	})); err != nil {
		return "", err
	}
	m, err := i.Manifest()
	if err != nil {
		return "", err
	}
	blob := func(h v1.Hash) string { return path.Join("blobs", h.Algorithm, h.Hex) }
	d := tarball.Descriptor{Config: blob(m.Config.Digest), RepoTags: []string{imageName}}
	for _, layer := range m.Layers {
		d.Layers = append(d.Layers, blob(layer.Digest))
	}
	text, err := json.Marshal(tarball.Manifest{d})
	if err != nil {
		return "", err
	}
	if err := l.WriteFile("manifest.json", text, 0o644); err != nil {
		return "", err
	}
	files, err := readFiles(folder)
	if err != nil {
		return "", err
	}
	data, err := tarFiles(files)
	if err != nil {
		return "", err
	}
	to := filepath.Join(dir, "image.tar")
	return to, os.WriteFile(to, data, 0o644) // #nosec G306 -- has no secret
}

// file is an entry of a tar, a folder where its name ends in a slash.
type file struct {
	name string
	data []byte
	mode fs.FileMode
}

// readFiles reads a folder in the order of its names, with the same modes on every system.
func readFiles(folder string) (files []file, err error) {
	tree := os.DirFS(folder)
	err = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if entry.IsDir() {
			files = append(files, file{name + "/", nil, 0o755})
			return nil
		}
		data, err := fs.ReadFile(tree, name)
		files = append(files, file{name, data, 0o644})
		return err
	})
	return files, err
}

// tarFiles packs files that are root's.
func tarFiles(files []file) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: int64(f.mode), Size: int64(len(f.data)), ModTime: made, Format: tar.FormatUSTAR}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("tar: %w", err)
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, fmt.Errorf("tar: %w", err)
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
