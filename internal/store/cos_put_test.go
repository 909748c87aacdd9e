package store

import (
	"bytes"
	"errors"
	"hash/crc64"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/costest"
)

// onPut has f answer the first PUT from now on.
func onPut(b *costest.Bucket, f http.HandlerFunc) {
	var done atomic.Bool
	b.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || done.Swap(true) {
			return false
		}
		f(w, r)
		return true
	})
}

// abort ends a request without an answer.
func abort(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestCOSUnclearPut(t *testing.T) {
	stored := func(b *costest.Bucket, r *http.Request) { b.Serve(httptest.NewRecorder(), r) }
	for name, test := range map[string]struct {
		answer  func(b *costest.Bucket) http.HandlerFunc
		ok      bool
		fails   bool
		version uint64
	}{
		"stored, answer lost": {func(b *costest.Bucket) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { stored(b, r); abort(w, r) }
		}, true, false, 2},
		"stored, 500": {func(b *costest.Bucket) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { stored(b, r); w.WriteHeader(500) }
		}, true, false, 2},
		"sent twice on the way": {func(b *costest.Bucket) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				again := r.Clone(r.Context())
				r.Body, again.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
				stored(b, r)
				b.Serve(w, again)
			}
		}, true, false, 2},
		"lost": {func(*costest.Bucket) http.HandlerFunc { return abort }, false, true, 1},
		"not stored, 503": {func(*costest.Bucket) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }
		}, false, true, 1},
		"refused": {func(*costest.Bucket) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }
		}, false, true, 1},
		"all goes down": {func(b *costest.Bucket) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				stored(b, r)
				b.Intercept(func(w http.ResponseWriter, r *http.Request) bool { abort(w, r); return true })
				abort(w, r)
			}
		}, false, true, 2}, // stored, and the answer does not come
	} {
		t.Run(name, func(t *testing.T) {
			b, s := startBucket(t)
			mustSwap(t, s, "app", 0, []byte("one"))
			one := at(t, s, "app", 1)
			onPut(b, test.answer(b))
			ok, err := s.Swap(t.Context(), "app", one, []byte("two"))
			if ok != test.ok || (err != nil) != test.fails {
				t.Errorf("%v, %v", ok, err)
			}
			if err != nil {
				wantClean(t, err, []string{"canary"})
			}
			b.Intercept(nil)
			if v := mustLoad(t, s, "app"); v.Version != test.version {
				t.Errorf("version %d, want %d", v.Version, test.version)
			}
			for key, o := range b.Objects() {
				if o.Puts != 1 {
					t.Errorf("%s was put %d times", key, o.Puts)
				}
			}
		})
	}
}

// In a bucket with versioning x-cos-forbid-overwrite has no effect.
func TestCOSVersionedBucket(t *testing.T) {
	for name, header := range map[string]string{"in use": "MTg0NDUxNTc1", "suspended": ""} {
		t.Run(name, func(t *testing.T) {
			b, s := startBucket(t)
			b.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodPut {
					return false
				}
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				b.Serve(httptest.NewRecorder(), r)
				w.Header().Set("X-Cos-Hash-Crc64ecma", strconv.FormatUint(crc64.Checksum(body, crc64.MakeTable(crc64.ECMA)), 10))
				if header != "" {
					w.Header().Set("X-Cos-Version-Id", header)
				}
				return true
			})
			if _, err := s.Load(t.Context(), "app"); !errors.Is(err, errNotCreateOnly) {
				t.Errorf("the first one finds out: %v", err)
			}
			for range 2 {
				ok, err := s.Swap(t.Context(), "app", at(t, s, "app", mustLoad(t, s, "app").Version), []byte("data"))
				if ok || !errors.Is(err, errNotCreateOnly) {
					t.Errorf("%v, %v", ok, err)
				}
			}
		})
	}
}

// A listing may lag behind the objects: then nothing is known, but nothing is won.
func TestCOSListingLags(t *testing.T) {
	b, s := startBucket(t)
	mustSwap(t, s, "app", 0, []byte("one"))
	old := httptest.NewRecorder()
	var recorded atomic.Bool
	b.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/" {
			return false
		}
		if !recorded.Swap(true) {
			b.Serve(old, r)
		}
		w.Header().Set("Date", old.Header().Get("Date"))
		_, _ = w.Write(old.Body.Bytes())
		return true
	})
	mustSwap(t, s, "app", 1, []byte("two")) // seen by no listing
	if v := mustLoad(t, s, "app"); v.Version != 1 || string(v.Data) != "one" {
		t.Fatalf("got %+v", v)
	}
	mustNotSwap(t, s, "app", 1)
	mustNotSwap(t, s, "app", 2)
	b.Intercept(nil)
	if v := mustLoad(t, s, "app"); v.Version != 2 || string(v.Data) != "two" {
		t.Errorf("got %+v", v)
	}
	wantNoViolations(t, b)
}

// roundTripper is a bucket without a network, so that a test can have virtual time.
type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// unplugged returns a store on b whose PUTs are answered by put.
func unplugged(t *testing.T, b *costest.Bucket, put func(*http.Request) *http.Response) *cosStore {
	t.Helper()
	s, err := Open("cos", bucketURL("http://bucket.invalid"), bucketRole)
	c := opened(t, s, err).(*cosStore)
	c.Pool.RegisterProtocol("http", roundTripper(func(r *http.Request) *http.Response {
		if r.Method == http.MethodPut {
			return put(r)
		}
		return serve(b, r)
	}))
	return c
}

func serve(b *costest.Bucket, r *http.Request) *http.Response {
	incoming := r.Clone(r.Context())
	incoming.Host = r.URL.Host
	if incoming.Body == nil {
		incoming.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	b.Serve(w, incoming)
	response := w.Result()
	response.Request = r
	return response
}

// An instance that is frozen after it looked what the newest version is, and before it
// creates the next one, which meanwhile others did, and many more.
func TestCOSFrozenInSwap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := costest.New(bucketConfig)
		others := unplugged(t, b, func(r *http.Request) *http.Response { return serve(b, r) })
		mustLoad(t, others, "app")
		frozen := unplugged(t, b, func(r *http.Request) *http.Response {
			time.Sleep(5 * time.Minute) // shorter than a signature's life
			for {
				v := mustLoad(t, others, "app")
				if v.Version >= 10*keep {
					return serve(b, r)
				}
				mustSwap(t, others, "app", v.Version, []byte("theirs"))
			}
		})
		mustNotSwap(t, frozen, "app", 0)
		if v := mustLoad(t, frozen, "app"); v.Version != 10*keep || string(v.Data) != "theirs" {
			t.Errorf("got %+v", v)
		}
		wantNoViolations(t, b)
	})
}

// A PUT takes so long that its version may have been removed meanwhile: the outcome is unknown.
func TestCOSOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := costest.New(bucketConfig)
		origin := at(t, unplugged(t, b, func(r *http.Request) *http.Response { return serve(b, r) }), "app", 0)
		s := unplugged(t, b, func(r *http.Request) *http.Response {
			response := serve(b, r)
			time.Sleep(slowest + time.Second)
			return response
		})
		if ok, err := s.Swap(t.Context(), "app", origin, []byte("data")); ok || !errors.Is(err, errOvertaken) {
			t.Errorf("%v, %v", ok, err)
		}
	})
}
