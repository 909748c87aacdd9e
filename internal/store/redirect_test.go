package store

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// A redirect would take the signature, and a record, to another host.
func TestCOSFollowsNoRedirect(t *testing.T) {
	var visits atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		b, s := startBucket(t)
		b.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, status)
			return true
		})
		if v, err := s.Load(t.Context(), "app"); err == nil {
			t.Errorf("%d: loaded version %d", status, v.Version)
		}
		if ok, err := s.Swap(t.Context(), "app", 0, []byte("x")); ok || err == nil {
			t.Errorf("%d: swapped: %t", status, ok)
		}
	}
	if n := visits.Load(); n != 0 {
		t.Errorf("%d redirects were followed", n)
	}
}
