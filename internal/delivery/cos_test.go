package delivery

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"kyc-ocr-relay/internal/role"
)

// What may pass is tried again, up to three times; each attempt sends the whole.
func TestCOSIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		status, failures, attempts int
		err                        string
	}{
		{503, 2, 3, ""},
		{500, 3, 3, "cos: the service answered 500"},
		{403, 1, 1, "cos: the service answered 403"},
		{0, 1, 2, ""}, // the connection breaks
	} {
		b, u := startBucket(t)
		var requests atomic.Int32
		b.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
			if int(requests.Add(1)) > c.failures {
				return false
			}
			// The answer comes while the content is under way.
			_, _ = io.CopyN(io.Discard, r.Body, 1000)
			if c.status == 0 {
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(c.status)
			return true
		})
		want := strings.Repeat("photo", 100_000)
		err := openSinks(t, u).archives[0].write(t.Context(), "k.jpg", jsonBlob([]byte(want)))
		if (err == nil) != (c.err == "") || err != nil && !strings.HasPrefix(err.Error(), c.err) || int(requests.Load()) != c.attempts {
			t.Errorf("%d: %d attempts, %v", c.status, requests.Load(), err)
		}
		if o := b.Objects()["kyc/archive/k.jpg"]; err == nil && string(o.Data) != want {
			t.Errorf("%d: %d bytes", c.status, len(o.Data))
		}
	}
}

// The credentials are asked for at each request.
func TestCOSCredentials(t *testing.T) {
	_, u := startBucket(t)
	var calls int
	source := func(ctx context.Context) (role.Credentials, error) {
		calls++
		if calls == 2 {
			return role.Credentials{}, role.ErrNone
		}
		return testRole(ctx)
	}
	s, err := Open(Config{To: texts(u), Role: source})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.archives[0].write(t.Context(), "k", jsonBlob([]byte("x"))); err != nil {
		t.Error(err)
	}
	// One of the attempts has none: that may pass, too.
	if has, err := s.archives[0].has(t.Context(), "k"); !has || err != nil || calls != 3 {
		t.Errorf("%t, %v, %d calls", has, err, calls)
	}
	none := func(context.Context) (role.Credentials, error) { return role.Credentials{}, role.ErrNone }
	if s, err = Open(Config{To: texts(u), Role: none}); err != nil {
		t.Fatal(err)
	}
	if err := s.archives[0].write(t.Context(), "k", jsonBlob([]byte("x"))); err == nil || !strings.Contains(err.Error(), "execution role") {
		t.Errorf("%v", err)
	}
}

func TestCOSErrorsHideTheURL(t *testing.T) {
	b, u := startBucket(t)
	b.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(403)
		io.WriteString(w, `<Error><Code>Access Denied? q-ak=1</Code><Message>secret</Message></Error>`)
		return true
	})
	s := openSinks(t, u)
	for _, err := range []error{
		s.archives[0].write(t.Context(), "order1", jsonBlob([]byte("x"))),
		s.archives[0].remove(t.Context(), "order1"),
	} {
		if err == nil || err.Error() != "cos: the service answered 403 (no code)" {
			t.Errorf("%v", err)
		}
	}
	gone, u := startBucket(t)
	gone.Intercept(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
	if _, err := openSinks(t, u).archives[0].has(t.Context(), "order1"); err == nil || strings.Contains(err.Error(), "order1") {
		t.Errorf("%v", err)
	}
}

// An object that arrived damaged is not taken for one that is there.
func TestCOSChecksum(t *testing.T) {
	b, u := startBucket(t)
	b.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		b.Serve(httptest.NewRecorder(), r)
		w.Header().Set("X-Cos-Hash-Crc64ecma", "1")
		return true
	})
	err := openSinks(t, u).archives[0].write(t.Context(), "k", jsonBlob([]byte("x")))
	if err == nil || err.Error() != "cos: what arrived has another checksum" {
		t.Errorf("%v", err)
	}
}
