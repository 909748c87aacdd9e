package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"kyc-ocr-relay/internal/cos"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/ticket"
)

const (
	// cosDeletes bounds the old versions that are deleted at once, and cosEvery is
	// after how many versions that is done: at twice the pace at which they come.
	cosDeletes, cosEvery = 8, 4
	// writerHeader tells whose a version is, where the answer to its PUT was lost.
	writerHeader = "X-Cos-Meta-Writer"
)

var (
	errNotCreateOnly = errors.New("the bucket overwrites objects: it must never have had versioning switched on")
	errNoDate        = errors.New("the service did not tell its time")
)

// cosStore keeps each version as an object that is never changed, under
// prefix/app/<2^64-1-version in hex>, so that a listing begins with the newest, and ends
// with the object "origin".
//
// The exclusion is x-cos-forbid-overwrite: of two PUTs of a name one gets 409
// FileAlreadyExists (cloud.tencent.com document 436/7749). It has no effect in a
// bucket that has or had versioning: the store refuses one.
//
// Assumed, as no document was found that promises it: an object can be read once its
// PUT was answered, and two PUTs at once have one winner. Not assumed is that a
// listing has it at once: where one lags, a Load returns an older version, and the
// Swap that follows is refused, as that name is taken. Nothing is lost or written
// twice, only time.
//
// The store's clock is the Date header: whole seconds, rounded down.
type cosStore struct {
	*cos.Bucket
	// proven says that this bucket was seen to refuse a second PUT of a name.
	proven atomic.Bool
}

// maxAnswer bounds an answer: a listing of 1000 objects has about 400 KB.
const maxAnswer = 2 << 20

func openCOS(u *url.URL, credentials role.Source) (ticket.Store, error) {
	bucket, err := cos.Open(u, credentials, cos.Options{MaxAnswer: maxAnswer}) // a Swap must not be repeated
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return &cosStore{Bucket: bucket}, nil
}

// Load implements ticket.Store.
func (s *cosStore) Load(ctx context.Context, app string) (ticket.Value, error) {
	v, err := s.load(ctx, app)
	return v, fail("cos: load", err)
}

func (s *cosStore) load(ctx context.Context, app string) (ticket.Value, error) {
	for look := 1; ; look++ {
		newest, now, err := s.newest(ctx, app)
		if err != nil {
			return ticket.Value{}, err
		}
		if newest == 0 {
			return s.originate(ctx, app, now)
		}
		data, now, err := s.get(ctx, s.key(app, newest))
		if cos.Status(err) == http.StatusNotFound && look < maxLooks {
			continue
		}
		return ticket.Value{Version: newest, Data: data, Now: now}, err
	}
}

// originate returns the version that the register begins with, and begins it where it is new.
func (s *cosStore) originate(ctx context.Context, app string, now time.Time) (ticket.Value, error) {
	origin, at, err := s.origin(ctx, app)
	if cos.Status(err) == http.StatusNotFound {
		if _, err = s.create(ctx, s.originKey(app), []byte(formatVersion(begin(now)))); err == nil {
			origin, at, err = s.origin(ctx, app)
		}
	}
	return ticket.Value{Version: origin, Now: at}, err
}

func (s *cosStore) origin(ctx context.Context, app string) (uint64, time.Time, error) {
	text, now, err := s.get(ctx, s.originKey(app))
	if err != nil {
		return 0, now, err
	}
	origin, ok := parseVersion(string(text))
	if !ok {
		return 0, now, errForeign
	}
	return origin, now, nil
}

// get reads an object.
func (s *cosStore) get(ctx context.Context, key string) ([]byte, time.Time, error) {
	body, header, err := s.Get(ctx, key)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, maxValue+1))
	if err != nil {
		return nil, time.Time{}, err
	}
	if len(data) > maxValue {
		return nil, time.Time{}, errTooLarge
	}
	now, err := date(header)
	return data, now, err
}

// Swap implements ticket.Store.
func (s *cosStore) Swap(ctx context.Context, app string, version uint64, data []byte) (bool, error) {
	ok, err := s.swap(ctx, app, version, data)
	return ok, fail("cos: swap", err)
}

func (s *cosStore) swap(ctx context.Context, app string, version uint64, data []byte) (bool, error) {
	watch := stopwatch{time.Now()}
	// This also finds out about a dead connection: it can be repeated, the PUT not.
	newest, now, err := s.newest(ctx, app)
	if err == nil && newest == 0 {
		if newest, _, err = s.origin(ctx, app); cos.Status(err) == http.StatusNotFound {
			return false, nil // the register has not been begun by a Load
		}
	}
	if err != nil || newest != version {
		return false, err
	}
	if ok, err := s.create(ctx, s.key(app, version+1), data); !ok {
		return false, err
	}
	if watch.overtaken() {
		return false, errOvertaken
	}
	if (version+1)%cosEvery == 0 && version > keep {
		s.collect(ctx, app, version-keep, now)
	}
	return true, nil
}

// create puts an object if there is none, and reports whether it did. The first time
// it puts it twice, to see whether the bucket refuses that.
func (s *cosStore) create(ctx context.Context, key string, data []byte) (bool, error) {
	writer := rand.Text()
	put := func() error {
		header, err := s.Put(ctx, key, func() io.Reader { return bytes.NewReader(data) }, int64(len(data)), http.Header{
			"Content-Type":           {"application/octet-stream"},
			writerHeader:             {writer},
			"X-Cos-Forbid-Overwrite": {"true"},
		})
		if err == nil {
			if id := header.Get("X-Cos-Version-Id"); id != "" {
				// Others would take for a lease what is none.
				_ = s.Delete(ctx, key, id)
				err = errNotCreateOnly
			}
		}
		return err
	}
	err := put()
	if err == nil && !s.proven.Load() {
		again := put()
		if again == nil {
			return false, errNotCreateOnly
		}
		s.proven.Store(cos.Status(again) == http.StatusConflict)
	}
	switch code := cos.Status(err); {
	case err == nil:
		return true, nil
	case errors.Is(err, errNotCreateOnly), code >= 400 && code < 500 && code != http.StatusConflict:
		return false, err
	}
	// The name is taken, perhaps by this very PUT: its answer was lost, or something
	// on the way sent it twice.
	header, headErr := s.Head(ctx, key)
	if headErr != nil {
		return false, err
	}
	return header.Get(writerHeader) == writer, nil
}

// newest returns the newest version of app, 0 if there is none, and the store's time.
func (s *cosStore) newest(ctx context.Context, app string) (uint64, time.Time, error) {
	objects, now, err := s.list(ctx, app, "", 1)
	if err != nil || len(objects) == 0 || objects[0].Key == s.originKey(app) {
		return 0, now, err
	}
	version, ok := s.version(app, objects[0].Key)
	if !ok {
		return 0, now, errForeign
	}
	return version, now, nil
}

// list returns up to limit objects of app that come after the one called after.
func (s *cosStore) list(ctx context.Context, app, after string, limit int) ([]cos.Object, time.Time, error) {
	folder := s.Prefix + app + "/"
	if after == "" {
		after = folder // itself an object, where a console created it
	}
	objects, header, err := s.List(ctx, folder, after, limit)
	if err != nil {
		return nil, time.Time{}, err
	}
	now, err := date(header)
	return objects, now, err
}

// collect deletes versions before the given one that are old enough. What it cannot
// delete is for the next one.
func (s *cosStore) collect(ctx context.Context, app string, before uint64, now time.Time) {
	const page = 1000 // the most that COS lists at once
	objects, _, err := s.list(ctx, app, s.key(app, before), page)
	if err != nil {
		return
	}
	deleted := 0
	for i := len(objects) - 1; i >= 0 && deleted < cosDeletes; i-- {
		modified, err := time.Parse(time.RFC3339, objects[i].LastModified)
		if _, ok := s.version(app, objects[i].Key); !ok || err != nil || now.Sub(modified) < retain {
			continue
		}
		if err := s.Delete(ctx, objects[i].Key, ""); err != nil {
			return
		}
		deleted++
	}
}

func (s *cosStore) key(app string, version uint64) string {
	return s.Prefix + app + "/" + formatVersion(math.MaxUint64-version)
}

func (s *cosStore) originKey(app string) string { return s.Prefix + app + "/" + originName }

func (s *cosStore) version(app, key string) (uint64, bool) {
	v, ok := parseVersion(strings.TrimPrefix(key, s.Prefix+app+"/"))
	return math.MaxUint64 - v, ok
}

func date(header http.Header) (time.Time, error) {
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return time.Time{}, errNoDate
	}
	return now, nil
}
