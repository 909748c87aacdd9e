package store

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"kyc-ocr-relay/internal/ticket"
)

// smallDisk mounts a file system of a megabyte.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("only root can mount a small file system here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill leaves no byte of the file system free until it is called to.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	if err := os.WriteFile(path, make([]byte, 2<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	return func() { mustDo(t, os.Remove(path)) }
}

func TestFileOnASmallDisk(t *testing.T) {
	disk := smallDisk(t)
	m := medium{
		open: func(t testing.TB) ticket.Store {
			s, err := Open("file", fileURL(disk), nil)
			return opened(t, s, err)
		},
		now:       func() time.Time { return time.Now().Round(0) },
		precision: 50 * time.Millisecond,
		canaries:  []string{disk},
	}
	t.Run("full", func(t *testing.T) {
		readOnly(t, m, "full", func(t *testing.T) func() { return fill(t, disk) })
	})
	t.Run("mounted read-only", func(t *testing.T) {
		readOnly(t, m, "mounted", func(t *testing.T) func() {
			mustDo(t, syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
			return func() { mustDo(t, syscall.Mount("", disk, "", syscall.MS_REMOUNT, "")) }
		})
	})
}

// On a full disk the clock is what was last seen of the file system's.
func TestFileClockOnAFullDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "away")
	s := &fileStore{dir: dir}
	s.skew.Store(int64(time.Hour))
	if ahead := time.Until(s.clock(dir)); ahead < 59*time.Minute || ahead > 61*time.Minute {
		t.Errorf("%v ahead of ours", ahead)
	}
}
