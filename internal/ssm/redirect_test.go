package ssm

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// The host that a redirect names could answer with a secret of its own.
func TestNoRedirectIsFollowed(t *testing.T) {
	var visits atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		visits.Add(1)
		fmt.Fprint(w, `{"Response":{"SecretString":"{\"KYC_SECRET\":\"canary\"}"}}`)
	}))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := source(t, http.RedirectHandler(elsewhere.URL, status), "/kyc", given(credentials), nil)
		if values, err := s.Values(t.Context()); err == nil || visits.Load() != 0 {
			t.Errorf("%d: %d values, %d visits", status, len(values), visits.Load())
		}
	}
}
