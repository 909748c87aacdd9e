package delivery

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"kyc-ocr-relay/internal/redact"
)

// folder is an archive in a directory, which instances may share. Files are for the
// owner alone.
type folder struct{ root string }

func newFolder(path string) *folder {
	root := filepath.FromSlash(path)
	if runtime.GOOS == "windows" {
		root = strings.TrimPrefix(root, `\`) // file:///C:/dir
	}
	return &folder{filepath.Clean(root)}
}

func (f *folder) path(key string) string { return filepath.Join(f.root, filepath.FromSlash(key)) }

func (f *folder) has(_ context.Context, key string) (bool, error) {
	info, err := os.Stat(f.path(key))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fileError(err)
	}
	return info.Mode().IsRegular(), nil
}

func (f *folder) read(_ context.Context, key string) ([]byte, error) {
	file, err := os.Open(f.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errAbsent
	}
	if err != nil {
		return nil, fileError(err)
	}
	defer file.Close()
	data, err := readAll(file)
	if err != nil {
		return nil, fileError(err)
	}
	return data, nil
}

// write goes by a temporary file of its own. What tries that crashed left of the name
// is swept away, and so is the file of another that writes the same at this moment: it
// finds what it was going to write.
func (f *folder) write(ctx context.Context, key string, b blob) error {
	if err := ctx.Err(); err != nil {
		return fileError(err)
	}
	path := f.path(key)
	dir, name := filepath.Split(path)
	err := f.makeDir(filepath.Clean(dir))
	if err == nil {
		err = place(dir, name, b)
	}
	if errors.Is(err, fs.ErrNotExist) && holds(path, b) {
		err = nil
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fileError(err)
	}
	sweep(dir, name)
	return nil
}

func (f *folder) remove(_ context.Context, key string) error {
	path := f.path(key)
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fileError(err)
	}
	return nil
}

func (f *folder) close() {}

// makeDir makes dir and what is above it, down from root, and has the names last.
func (f *folder) makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for len(dir) > len(f.root) {
		dir = filepath.Dir(dir)
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// place writes b to a new file and gives it its name.
func place(dir, name string, b blob) error {
	file, err := os.CreateTemp(dir, "."+name+".*.part") // for the owner alone
	if err != nil {
		return err
	}
	if err = fill(file, b); err == nil {
		err = os.Rename(file.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

// fill writes b to file and closes it.
func fill(file *os.File, b blob) error {
	defer file.Close()
	n, err := io.Copy(file, b.open())
	switch {
	case err != nil:
		return err
	case n != b.size:
		return io.ErrUnexpectedEOF
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return file.Close()
}

// holds reports whether the file at path has the content of b.
func holds(path string, b blob) bool {
	file, err := os.Open(path) // #nosec G304 -- a path below the configured directory
	if err != nil {
		return false
	}
	defer file.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, file)
	return err == nil && [sha256.Size]byte(hash.Sum(nil)) == b.sum
}

// sweep removes the temporary files of name.
func sweep(dir, name string) {
	entries, _ := os.ReadDir(dir) // what is left over harms nobody
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "."+name+".") && strings.HasSuffix(e.Name(), ".part") {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// syncDir has the names in dir last.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there
	}
	d, err := os.Open(dir) // #nosec G304 -- a directory below the configured one
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// fileError leaves out the path, which has the order number in it.
func fileError(err error) error {
	return fmt.Errorf("file: %w", redact.Error(err, errTooLarge, errBase64))
}
