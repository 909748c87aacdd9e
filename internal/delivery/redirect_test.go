package delivery

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// A redirect would take a person's photos to another host.
func TestNoSinkFollowsARedirect(t *testing.T) {
	var visits atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			away := func(w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, elsewhere.URL+r.URL.Path, status)
				return true
			}
			b, u := startBucket(t)
			b.Intercept(away)
			hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { away(w, r) }))
			t.Cleanup(hook.Close)
			s := openSinks(t, u, hook.URL)
			archive := s.archives[0]
			if err := archive.write(t.Context(), "k", jsonBlob([]byte("x"))); err == nil {
				t.Error("written")
			}
			if has, err := archive.has(t.Context(), "k"); has || err == nil {
				t.Errorf("there: %t", has)
			}
			if data, err := archive.read(t.Context(), "k"); err == nil {
				t.Errorf("read %q", data)
			}
			if err := archive.remove(t.Context(), "k"); err == nil {
				t.Error("removed")
			}
			if err := s.hooks[0].post(t.Context(), payload{"t", "id", []byte("{}")}); err == nil {
				t.Error("told")
			}
		})
	}
	t.Cleanup(func() {
		if n := visits.Load(); n != 0 {
			t.Errorf("%d redirects were followed", n)
		}
	})
}
