package store

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"kyc-ocr-relay/internal/ticket"
)

const (
	tempPrefix = "tmp-"
	// tempLife is the age at which a temporary file belongs to a dead process.
	tempLife = time.Minute
	// maxRemovals bounds the old versions that one Swap removes.
	maxRemovals = 16
	// maxLooks is how often a Load looks for a version that is not gone when it is
	// read. A version lives for an hour: once is enough, but for a frozen process.
	maxLooks = 3
)

// errNoLinks says that a directory cannot be a store.
var errNoLinks = errors.New("the file system has no hard links")

// fileStore keeps each app in a subdirectory, and each version as a file that is never
// changed. A version appears at once and with its content: the content is written
// under another name, and the version's name is a hard link to it, which fails if the
// name is taken, on a network mount as well. The file "origin" is created in the same way.
type fileStore struct {
	dir   string
	calls calls
	skew  atomic.Int64 // the file system's clock minus ours, as last seen
}

func openFile(u *url.URL) (ticket.Store, error) {
	if u.Host != "" || !strings.HasPrefix(u.Path, "/") || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("store: file: the URL must be file:///dir")
	}
	return &fileStore{dir: filepath.FromSlash(u.Path)}, nil
}

// Load implements ticket.Store.
func (s *fileStore) Load(ctx context.Context, app string) (ticket.Value, error) {
	v, err := within(ctx, &s.calls, app, func() (ticket.Value, error) { return s.load(ctx, app) })
	return v, fail("file: load", err)
}

func (s *fileStore) load(ctx context.Context, app string) (ticket.Value, error) {
	dir, err := s.open(app)
	if err != nil {
		return ticket.Value{}, err
	}
	for look := 1; ; look++ {
		if err := ctx.Err(); err != nil {
			return ticket.Value{}, err
		}
		now := s.clock(dir) // first: this also has a network mount forget what it cached of the directory
		found, err := list(dir)
		if err != nil {
			return ticket.Value{}, err
		}
		if found.newest() == 0 {
			origin, err := originate(dir, now)
			return ticket.Value{Version: origin, Now: now}, err
		}
		data, err := read(versionPath(dir, found.newest()))
		if errors.Is(err, fs.ErrNotExist) && look < maxLooks {
			continue
		}
		return ticket.Value{Version: found.newest(), Data: data, Now: now}, err
	}
}

// clock returns the file system's clock: the time of a file made now. On a full disk no file
// can be made, and a pair that is there can still be used: then it returns this machine's clock,
// corrected by the difference seen last. No lease depends on it, as none can be written either.
func (s *fileStore) clock(dir string) time.Time {
	temp, now, err := writeTemp(dir, []byte{0}, false)
	if err != nil {
		return time.Now().Round(0).Add(time.Duration(s.skew.Load()))
	}
	_ = os.Remove(temp) // what is left behind is removed later
	s.skew.Store(int64(now.Sub(time.Now().Round(0))))
	return now
}

// Swap implements ticket.Store.
func (s *fileStore) Swap(ctx context.Context, app string, version uint64, data []byte) (bool, error) {
	ok, err := within(ctx, &s.calls, app, func() (bool, error) { return s.swap(ctx, app, version, data) })
	return ok, fail("file: swap", err)
}

func (s *fileStore) swap(ctx context.Context, app string, version uint64, data []byte) (bool, error) {
	watch := stopwatch{time.Now()}
	dir, err := s.open(app)
	if err != nil {
		return false, err
	}
	found, err := list(dir)
	if err != nil {
		return false, err
	}
	newest := found.newest()
	if newest == 0 {
		if newest, err = readOrigin(dir); errors.Is(err, fs.ErrNotExist) {
			return false, nil // the register has not been begun by a Load
		}
	}
	if err != nil || newest != version {
		return false, err
	}
	temp, now, err := writeTemp(dir, data, true)
	if err != nil {
		return false, err
	}
	defer os.Remove(temp) // what is left behind is removed later
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if ok, err := link(temp, versionPath(dir, version+1)); !ok {
		return false, err
	}
	if watch.overtaken() {
		return false, errOvertaken
	}
	found.collect(dir, now)
	return true, nil
}

// open returns the directory of app, which it creates.
func (s *fileStore) open(app string) (string, error) {
	dir := filepath.Join(s.dir, app)
	return dir, os.MkdirAll(dir, 0o700)
}

// originate returns the version that the register in dir begins with, and begins it where it is new.
func originate(dir string, now time.Time) (uint64, error) {
	origin, err := readOrigin(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return origin, err
	}
	temp, _, err := writeTemp(dir, []byte(formatVersion(begin(now))), true)
	if err != nil {
		return 0, err
	}
	defer os.Remove(temp)
	if _, err := link(temp, filepath.Join(dir, originName)); err != nil {
		return 0, err
	}
	return readOrigin(dir)
}

func readOrigin(dir string) (uint64, error) {
	text, err := read(filepath.Join(dir, originName))
	if err != nil {
		return 0, err
	}
	origin, ok := parseVersion(string(text))
	if !ok {
		return 0, errForeign
	}
	return origin, nil
}

func versionPath(dir string, version uint64) string {
	return filepath.Join(dir, formatVersion(version))
}

// link gives the file temp the name path too, and reports whether it did: not if the
// name was taken.
func link(temp, path string) (bool, error) {
	err := os.Link(temp, path)
	if err == nil {
		return true, nil
	}
	// A network mount that lost the answer asks twice, and the second one fails.
	if a, err := os.Stat(temp); err == nil {
		if b, err := os.Stat(path); err == nil && os.SameFile(a, b) {
			return true, nil
		}
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return false, nil
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.EPERM):
		return false, errNoLinks
	}
	return false, err
}

// writeTemp writes data to a new file in dir, down to the disk if durable, and returns
// its path and its time of modification: the file system's clock.
func writeTemp(dir string, data []byte, durable bool) (path string, now time.Time, err error) {
	path = filepath.Join(dir, tempPrefix+rand.Text())
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // #nosec G304 -- a path below the configured directory
	if err != nil {
		return "", time.Time{}, err
	}
	_, err = f.Write(data)
	if err == nil && durable {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	var info fs.FileInfo
	if err == nil {
		info, err = os.Stat(path)
	}
	if err != nil {
		return "", time.Time{}, errors.Join(err, os.Remove(path))
	}
	return path, info.ModTime(), nil
}

// listing is what is in an app's directory.
type listing struct {
	versions []uint64 // ascending
	temps    []fs.DirEntry
}

func list(dir string) (*listing, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	l := &listing{}
	for _, entry := range entries {
		if version, ok := parseVersion(entry.Name()); ok {
			l.versions = append(l.versions, version)
		} else if strings.HasPrefix(entry.Name(), tempPrefix) {
			l.temps = append(l.temps, entry)
		}
	}
	return l, nil
}

// newest returns the newest version, 0 if there is none.
func (l *listing) newest() uint64 {
	if len(l.versions) == 0 {
		return 0
	}
	return l.versions[len(l.versions)-1]
}

// collect removes old versions, and what killed processes left. What it cannot remove
// is for the next one.
func (l *listing) collect(dir string, now time.Time) {
	old := l.versions[:max(0, len(l.versions)-keep)]
	for _, version := range old[:min(len(old), maxRemovals)] {
		info, err := os.Stat(versionPath(dir, version))
		if err == nil && now.Sub(info.ModTime()) < retain {
			break // and so are the newer ones
		}
		_ = os.Remove(versionPath(dir, version))
	}
	for _, temp := range l.temps {
		if info, err := temp.Info(); err == nil && now.Sub(info.ModTime()) > tempLife {
			_ = os.Remove(filepath.Join(dir, temp.Name()))
		}
	}
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path) // #nosec G304 -- a path below the configured directory
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxValue+1))
	if err == nil && len(data) > maxValue {
		err = errTooLarge
	}
	return data, err
}
