package simulator

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// The simulator must cost less than what is measured through it.
func BenchmarkQuery(b *testing.B) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	for b.Loop() {
		b.StopTimer()
		r := httptest.NewRequest(http.MethodGet, bankPath+"?"+queryValues("order1", ticket).Encode(), nil)
		b.StartTimer()
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
}
