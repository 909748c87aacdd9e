package openapi_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"kyc-ocr-relay/internal/simulator"
)

// stall answers every query of an order named stall with half of 64 MB, and goes no
// further. So much does not fit in the network: when it is sent, the function has made
// room for all of it.
func stall(stalls chan<- struct{}) func(http.ResponseWriter, *http.Request, simulator.Call) bool {
	return func(w http.ResponseWriter, r *http.Request, _ simulator.Call) bool {
		if r.URL.Query().Get("order_no") != "stall" {
			return false
		}
		w.Header().Set("Content-Length", strconv.Itoa(64<<20))
		_, _ = w.Write(make([]byte, 32<<20))
		stalls <- struct{}{}
		<-r.Context().Done()
		return true
	}
}

// crowd has one request take the memory for answers with photos, until the test ends or the function
// ends the request: the statuses of the others tell whether it has it.
func crowd(t *testing.T, url string, stalls <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var stalled sync.WaitGroup
	t.Cleanup(func() { cancel(); stalled.Wait() })
	stalled.Go(func() {
		request, _ := http.NewRequestWithContext(ctx, http.MethodGet, url+"/ocr/bankcard/stall/photos/bankcardCropPhoto", nil)
		request.Header.Set("Authorization", "Bearer "+callerToken)
		if response, err := http.DefaultTransport.RoundTrip(request); err == nil {
			response.Body.Close()
		}
	})
	<-stalls
}
