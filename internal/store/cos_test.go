package store

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kyc-ocr-relay/internal/costest"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/ticket"
)

var bucketConfig = costest.Config{
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
func startBucket(t testing.TB) (*costest.Bucket, *cosStore) {
	t.Helper()
	b := costest.New(bucketConfig)
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	s, err := Open("cos", bucketURL(server.URL), bucketRole)
	return b, opened(t, s, err).(*cosStore)
}

func wantNoViolations(t *testing.T, b *costest.Bucket) {
	t.Helper()
	if v := b.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}

func TestCOS(t *testing.T) {
	b, ahead := costest.New(bucketConfig), new(atomic.Int64)
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
				mustDo(t, opened(t, s, err).(*cosStore).Delete(t.Context(), key, ""))
			}
			ahead.Add(int64(time.Second)) // the service tells whole seconds
		},
		refusals: map[string]func(*testing.T) func(){
			"no PutObject": func(*testing.T) func() {
				b.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
					if r.Method != http.MethodPut {
						return false
					}
					w.Header().Set("Content-Type", "application/xml")
					w.WriteHeader(http.StatusForbidden)
					_, _ = io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>canary</Message></Error>")
					return true
				})
				return func() { b.Intercept(nil) }
			},
			"versioning": func(*testing.T) func() {
				b.SetVersioning(true)
				return func() { b.SetVersioning(false) }
			},
		},
		canaries: []string{"canary", address, "kyc-1250000000"},
	})
	wantNoViolations(t, b)
	for key, o := range b.Objects() {
		if o.Puts != 1 && !strings.HasPrefix(key, "some/prefix/loss/") && !strings.HasPrefix(key, "some/prefix/refusals-versioning/") || !strings.HasPrefix(key, "some/prefix/") {
			t.Errorf("%s was put %d times", key, o.Puts)
		}
	}
}

func TestCOSKeys(t *testing.T) {
	s, err := Open("cos", "cos://kyc-1250000000.ap-guangzhou/a/b/", bucketRole)
	mustDo(t, err)
	c := s.(*cosStore)
	if got, want := c.key("app", 1), "a/b/app/fffffffffffffffe"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if c.key("app", 2) > c.key("app", 1) || c.key("app", math.MaxUint64) > c.key("app", math.MaxUint64-1) {
		t.Error("the newest is not first")
	}
}

// The role's credentials change between invocations, and may be missing.
func TestCOSReadsCredentialsAtEachUse(t *testing.T) {
	b := costest.New(bucketConfig)
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

func TestCOSOtherObjects(t *testing.T) {
	b, s := startBucket(t)
	put := func(key string) {
		t.Helper()
		_, err := s.Put(t.Context(), key, func() io.Reader { return strings.NewReader("x") }, 1, nil)
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

func BenchmarkCOS(b *testing.B) {
	_, s := startBucket(b)
	benchmark(b, medium{open: func(testing.TB) ticket.Store { return s }})
}
