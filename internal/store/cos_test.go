package store

import (
	"bytes"
	"context"
	"errors"
	"hash/crc64"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/bucket"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/ticket"
)

var bucketConfig = bucket.Config{
	Name:         "kyc-1250000000",
	SecretID:     "AKIDcanary",
	SecretKey:    "canary-key",
	SessionToken: "canary-token",
}

var bucketRole = credentials(bucketConfig.SecretID, bucketConfig.SecretKey, bucketConfig.SessionToken)

func bucketURL(server string) string {
	return "cos://kyc-1250000000.ap-guangzhou/some/prefix?endpoint=" + url.QueryEscape(server)
}

// startBucket serves a new bucket and returns it with a store on it.
func startBucket(t testing.TB) (*bucket.Bucket, *cosStore) {
	t.Helper()
	b := bucket.New(bucketConfig)
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	s, err := Open("cos", bucketURL(server.URL), bucketRole)
	return b, opened(t, s, err).(*cosStore)
}

func wantNoViolations(t *testing.T, b *bucket.Bucket) {
	t.Helper()
	if v := b.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}

func TestCOS(t *testing.T) {
	b, ahead := bucket.New(bucketConfig), new(atomic.Int64)
	ahead.Store(int64(5 * time.Minute))
	clock := func() time.Time { return time.Now().Round(0).Add(time.Duration(ahead.Load())) }
	b.SetClock(clock)
	server := httptest.NewServer(b)
	t.Cleanup(func() { server.Close() })
	address := server.Listener.Addr().String()
	conform(t, medium{
		open: func(t testing.TB) ticket.Store {
			s, err := Open("cos", bucketURL("http://"+address), bucketRole)
			return opened(t, s, err)
		},
		now:        clock,
		precision:  time.Second,
		increments: 1,
		down:       func(*testing.T) { server.Close() },
		up: func(t *testing.T) {
			l, err := net.Listen("tcp", address)
			mustDo(t, err)
			server = httptest.NewUnstartedServer(b)
			server.Listener.Close()
			server.Listener = l
			server.Start()
		},
		lose: func(t *testing.T) {
			s, err := Open("cos", bucketURL("http://"+address), bucketRole)
			for key := range b.Objects() {
				_, err := opened(t, s, err).(*cosStore).client.Object.Delete(t.Context(), key)
				mustDo(t, err)
			}
			ahead.Add(int64(time.Second)) // the service tells whole seconds
		},
		canaries: []string{"canary", address, "kyc-1250000000"},
	})
	wantNoViolations(t, b)
	for key, o := range b.Objects() {
		if o.Puts != 1 && !strings.HasPrefix(key, "some/prefix/loss/") || !strings.HasPrefix(key, "some/prefix/") {
			t.Errorf("%s was put %d times", key, o.Puts)
		}
	}
}

func TestCOSAddress(t *testing.T) {
	s, err := Open("cos", "cos://kyc-1250000000.ap-guangzhou/a/b/", bucketRole)
	mustDo(t, err)
	c := s.(*cosStore)
	if got := c.client.BaseURL.BucketURL.String(); got != "https://kyc-1250000000.cos.ap-guangzhou.myqcloud.com" {
		t.Error(got)
	}
	if got, want := c.key("app", 1), "a/b/app/fffffffffffffffe"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if c.key("app", 2) > c.key("app", 1) || c.key("app", math.MaxUint64) > c.key("app", math.MaxUint64-1) {
		t.Error("the newest is not first")
	}
}

// The role's credentials change between invocations, and may be missing.
func TestCOSReadsCredentialsAtEachUse(t *testing.T) {
	b := bucket.New(bucketConfig)
	server := httptest.NewServer(b)
	defer server.Close()
	source := bucketRole
	store, err := Open("cos", bucketURL(server.URL), func(ctx context.Context) (role.Credentials, error) { return source(ctx) })
	s := opened(t, store, err)
	mustSwap(t, s, "app", 0, []byte("one"))

	m := medium{canaries: []string{"canary", "AKID"}}
	for code, wrong := range map[string]role.Source{
		"403 InvalidAccessKeyId":    credentials("AKIDother", "canary-key", "canary-token"),
		"403 SignatureDoesNotMatch": credentials("AKIDcanary", "canary-other", "canary-token"),
		"403 InvalidToken":          credentials("AKIDcanary", "canary-key", "canary-old"),
	} {
		source = wrong
		wantError(t, m, t.Context(), s, nil)
		_, err := s.Load(t.Context(), "app")
		if !strings.HasSuffix(err.Error(), "the service answered "+code) {
			t.Errorf("%q does not say %s", err, code)
		}
	}
	for _, none := range []role.Source{
		credentials("", "", ""),
		func(context.Context) (role.Credentials, error) { return role.Credentials{}, role.ErrNone },
	} {
		source = none
		wantError(t, m, t.Context(), s, role.ErrNone)
	}
	source = bucketRole
	if v := mustLoad(t, s, "app"); v.Version != 1 {
		t.Errorf("version %d", v.Version)
	}
}

// A signature holds where the clocks of instance and service are minutes apart.
func TestCOSClocksApart(t *testing.T) {
	b, s := startBucket(t)
	for _, apart := range []time.Duration{-17 * time.Minute, 9 * time.Minute} {
		b.SetClock(func() time.Time { return time.Now().Add(apart) })
		if _, err := s.Load(t.Context(), "app"); err != nil {
			t.Errorf("%v: %v", apart, err)
		}
	}
}

// onPut has f answer the first PUT from now on.
func onPut(b *bucket.Bucket, f http.HandlerFunc) {
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
	stored := func(b *bucket.Bucket, r *http.Request) { b.Serve(httptest.NewRecorder(), r) }
	for name, test := range map[string]struct {
		answer  func(b *bucket.Bucket) http.HandlerFunc
		ok      bool
		fails   bool
		version uint64
	}{
		"stored, answer lost": {func(b *bucket.Bucket) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { stored(b, r); abort(w, r) }
		}, true, false, 2},
		"stored, 500": {func(b *bucket.Bucket) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { stored(b, r); w.WriteHeader(500) }
		}, true, false, 2},
		"sent twice on the way": {func(b *bucket.Bucket) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				again := r.Clone(r.Context())
				r.Body, again.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
				stored(b, r)
				b.Serve(w, again)
			}
		}, true, false, 2},
		"lost": {func(*bucket.Bucket) http.HandlerFunc { return abort }, false, true, 1},
		"not stored, 503": {func(*bucket.Bucket) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }
		}, false, true, 1},
		"refused": {func(*bucket.Bucket) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }
		}, false, true, 1},
		"all goes down": {func(b *bucket.Bucket) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				stored(b, r)
				b.Intercept(func(w http.ResponseWriter, r *http.Request) bool { abort(w, r); return true })
				abort(w, r)
			}
		}, false, true, 2}, // stored, and nobody knows
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

func TestCOSDeletesOldVersions(t *testing.T) {
	b, s := startBucket(t)
	var (
		version uint64
		ahead   time.Duration // of the time in listings, which is what ages are judged by
	)
	b.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/" {
			return false
		}
		answer := httptest.NewRecorder()
		b.Serve(answer, r)
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		_, _ = w.Write(answer.Body.Bytes())
		return true
	})
	swap := func(times int) {
		for range times {
			mustSwap(t, s, "app", version, []byte("data"))
			version++
		}
	}
	swap(40)
	ahead = retain - time.Minute
	swap(cosEvery)
	if n := len(b.Objects()) - 1; n != 40+cosEvery { // but for the origin
		t.Fatalf("%d objects, of which none is an hour old", n)
	}
	ahead = retain + time.Minute
	swap(cosEvery)
	if n := len(b.Objects()) - 1; n != 40+2*cosEvery-cosDeletes {
		t.Fatalf("%d objects: %d were to go", n, cosDeletes)
	}
	swap(20 * cosEvery)
	objects := b.Objects()
	if n := len(objects) - 1; n > keep+2 {
		t.Errorf("%d objects", n)
	}
	for i := range uint64(keep) {
		if key := s.key("app", at(t, s, "app", version-i)); objects[key].Puts != 1 {
			t.Errorf("version %d is gone", version-i)
		}
	}
	for stale := range version {
		mustNotSwap(t, s, "app", stale)
	}
	wantNoViolations(t, b)
}

// roundTripper is a bucket without a network, so that a test can have virtual time.
type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// unplugged returns a store on b whose PUTs are answered by put.
func unplugged(t *testing.T, b *bucket.Bucket, put func(*http.Request) *http.Response) *cosStore {
	t.Helper()
	s, err := Open("cos", bucketURL("http://bucket.invalid"), bucketRole)
	c := opened(t, s, err).(*cosStore)
	c.pool.RegisterProtocol("http", roundTripper(func(r *http.Request) *http.Response {
		if r.Method == http.MethodPut {
			return put(r)
		}
		return serve(b, r)
	}))
	return c
}

func serve(b *bucket.Bucket, r *http.Request) *http.Response {
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
		b := bucket.New(bucketConfig)
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

// So long that its version might have been removed meanwhile: nobody can tell.
func TestCOSOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bucket.New(bucketConfig)
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

func TestCOSOtherObjects(t *testing.T) {
	b, s := startBucket(t)
	put := func(key string) {
		t.Helper()
		_, err := s.client.Object.Put(t.Context(), key, strings.NewReader("x"), nil)
		mustDo(t, err)
	}
	put("some/prefix/app/") // a folder, as the console makes it
	put("some/prefix/app-2/fffffffffffffff0")
	put("some/prefix/ap/fffffffffffffff0")
	if v := mustLoad(t, s, "app"); v.Version != 0 {
		t.Errorf("version %d", v.Version)
	}
	mustSwap(t, s, "app", 0, []byte("one"))
	if v := mustLoad(t, s, "app"); v.Version != 1 {
		t.Errorf("version %d", v.Version)
	}
	put("some/prefix/app/abc")
	if _, err := s.Load(t.Context(), "app"); !errors.Is(err, errForeign) {
		t.Error(err)
	}
	wantNoViolations(t, b)
}

// A version that is deleted between the listing and the reading: look again.
func TestCOSDeletedMeanwhile(t *testing.T) {
	b, s := startBucket(t)
	mustSwap(t, s, "app", 0, []byte("one"))
	var asked atomic.Int32
	b.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && r.URL.Path != "/" && asked.Add(1) == 1 {
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		return false
	})
	if v := mustLoad(t, s, "app"); v.Version != 1 || asked.Load() != 2 {
		t.Errorf("version %d after %d looks", v.Version, asked.Load())
	}
}

func TestCOSBadAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   error
		text   string
	}{
		"no date": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Date"] = nil
			_, _ = io.WriteString(w, "<ListBucketResult/>")
		}, errNoDate, ""},
		"an error's words are not repeated": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			_, _ = io.WriteString(w, "<Error><Code>canary code</Code><Message>canary</Message></Error>")
		}, nil, "the service answered 500 (no code)"},
		"a redirect is not followed": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://canary.invalid/")
			w.WriteHeader(302)
		}, nil, "the service answered 302 (no code)"},
	} {
		t.Run(name, func(t *testing.T) {
			b, s := startBucket(t)
			b.Intercept(func(w http.ResponseWriter, r *http.Request) bool { test.answer(w, r); return true })
			_, err := s.Load(t.Context(), "app")
			if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.HasSuffix(err.Error(), test.text) {
				t.Errorf("got %v", err)
			}
			wantClean(t, err, []string{"canary"})
		})
	}
}

func TestCOSTooLarge(t *testing.T) {
	_, s := startBucket(t)
	mustSwap(t, s, "app", 0, make([]byte, maxValue+1))
	if _, err := s.Load(t.Context(), "app"); !errors.Is(err, errTooLarge) {
		t.Error(err)
	}
}

// A service that accepts and never answers.
func TestCOSHangs(t *testing.T) {
	b, s := startBucket(t)
	b.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	wantError(t, medium{canaries: []string{"canary"}}, ctx, s, context.DeadlineExceeded)
}

func BenchmarkCOS(b *testing.B) {
	_, s := startBucket(b)
	benchmark(b, medium{open: func(testing.TB) ticket.Store { return s }})
}
