package delivery

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestFilesAreForTheOwner(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such modes")
	}
	dir := filepath.Join(t.TempDir(), "new")
	if _, err := deliver(t, openSinks(t, fileURL(dir))); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// What tries that crashed left behind is written over, or swept away.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "IDA1/bankcard/order1")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	packed := testParcel()
	for name, text := range map[string]string{
		"bankcardCropPhoto.jpg":              "of another try",
		".bankcardCropPhoto.jpg.0.part":      "",
		".originBankcardPhoto.jpg.1234.part": "of a try that crashed",
		".result.json.00ff.part":             "{",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := deliver(t, openSinks(t, fileURL(dir))); err != nil {
		t.Fatal(err)
	}
	if got := files(t, dir); !slices.Equal(got, complete) {
		t.Errorf("files %q", got)
	}
	for name, want := range map[string]string{"bankcardCropPhoto.jpg": "crop", "originBankcardPhoto.jpg": "origin", "result.json": string(packed.document)} {
		if got, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// Instances that deliver the same at a time do not harm one another.
func TestSideBySide(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		s := openSinks(t, fileURL(dir))
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if err := s.archives[0].write(t.Context(), "a/photo.jpg", jsonBlob([]byte(strings.Repeat("photo", 10_000)))); err != nil {
					t.Error(err)
				}
				if _, err := deliver(t, s); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		want := append(slices.Clone(complete), "a/photo.jpg")
		if got := files(t, dir); !slices.Equal(got, want) {
			t.Errorf("files %q", got)
		}
	}
}

func TestFileErrorsHideThePath(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "IDA1"), nil, 0o600); err != nil { // where a folder has to be
		t.Fatal(err)
	}
	_, err := deliver(t, openSinks(t, fileURL(dir)))
	if err == nil || strings.Contains(err.Error(), "order1") || strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "file: ") {
		t.Errorf("%v", err)
	}
}
