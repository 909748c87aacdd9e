//go:build unix

package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Opening a FIFO without a writer blocks for ever, as a file on a hung mount does.
func TestFileOnAHungMount(t *testing.T) {
	m, root := directory(t)
	s := m.open(t)
	mustSwap(t, s, "app", 0, []byte("one"))
	path := versionPath(filepath.Join(root, "app"), at(t, s, "app", 1))
	mustDo(t, os.Remove(path))
	mustDo(t, syscall.Mkfifo(path, 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := s.Load(ctx, "app")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the first: %v", err)
	}
	for range 3 {
		_, err := s.Load(t.Context(), "app")
		if !errors.Is(err, errHung) {
			t.Fatalf("the next: %v", err)
		}
		wantClean(t, err, m.canaries)
		if _, err := s.Swap(t.Context(), "app", 1, nil); !errors.Is(err, errHung) {
			t.Fatalf("the next: %v", err)
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0) // now it reads, and finds nothing
	mustDo(t, err)
	mustDo(t, f.Close())
}
