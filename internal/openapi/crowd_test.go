package openapi_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"kyc-ocr-relay/internal/simulator"
)

// stall begins an answer of 64 MB to every query of an order named stall, and goes no
// further.
func stall(stalls chan<- struct{}) func(http.ResponseWriter, *http.Request, simulator.Call) bool {
	return func(w http.ResponseWriter, r *http.Request, _ simulator.Call) bool {
		if r.URL.Query().Get("order_no") != "stall" {
			return false
		}
		w.Header().Set("Content-Length", strconv.Itoa(64<<20))
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		stalls <- struct{}{}
		<-r.Context().Done()
		return true
	}
}

// crowd has one request take the memory for answers with photos until the test ends.
func crowd(t *testing.T, url string, stalls <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var stalled sync.WaitGroup
	t.Cleanup(func() { cancel(); stalled.Wait() })
	ask := func(ctx context.Context, target string) int {
		request, _ := http.NewRequestWithContext(ctx, http.MethodGet, url+target, nil)
		request.Header.Set("Authorization", "Bearer "+callerToken)
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			return 0
		}
		response.Body.Close()
		return response.StatusCode
	}
	stalled.Go(func() { ask(ctx, "/ocr/bankcard/stall/photos/bankcardCropPhoto") })
	<-stalls
	// The function has the head of that answer any moment now.
	for ask(t.Context(), "/ocr/bankcard/order1?get_file=1") != http.StatusServiceUnavailable && t.Context().Err() == nil {
	}
}
