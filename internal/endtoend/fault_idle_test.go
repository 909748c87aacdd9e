package endtoend

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kyc-ocr-relay/internal/simulator"
)

// TestConnectionsThatTheVendorCloses asks once in a while: each time, the vendor has closed the connection of the
// query before. Where no answer told of that, and the query comes at that very moment, it may take a second attempt,
// with a nonce of its own.
func TestConnectionsThatTheVendorCloses(t *testing.T) {
	t.Parallel()
	for _, over := range faultTransports {
		for name, keep := range map[string]time.Duration{"after each answer": -1, "soon": 20 * time.Millisecond} {
			t.Run(over.name+", "+name, func(t *testing.T) {
				t.Parallel()
				const queries = 20
				closed := make(chan struct{}, queries+2) // with those of the renewal
				w := open(t, over, setting{simulator: simulator.Config{KeepAlive: keep}, serve: func(server *httptest.Server) {
					server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
						if state == http.StateClosed {
							closed <- struct{}{}
						}
					}
					server.Start()
				}})
				for i := range queries {
					w.expectStatus(fmt.Sprintf("/ocr/bankcard/order%d", i), 200)
					<-closed
				}
				w.expectMinted(1, 1)
				if n := strings.Count(w.log.String(), `"attempts":1,`); n != queries {
					t.Errorf("%d of %d queries took one attempt", n, queries)
				}
			})
		}
	}
}
