package simulator

import (
	"bufio"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/pipetest"
)

// A connection is closed once it was kept for so long without a call, which nothing announces; or after its first
// answer, which does.
func TestKeepAlive(t *testing.T) {
	const patience = 24 * time.Hour
	for name, c := range map[string]struct {
		keep  time.Duration
		calls int           // on one connection
		lasts time.Duration // after the last of them
	}{
		"for good":   {0, 5, patience},
		"a minute":   {time.Minute, 5, time.Minute},
		"no further": {-1, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(Config{Apps: map[string]string{testApp: testSecret}, KeepAlive: c.keep})
				network, server := pipetest.New(), &http.Server{Handler: s}
				s.KeepConnections(server)
				go server.Serve(network)
				defer server.Close()
				conn, err := network.Dial(t.Context(), "", "")
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				read := bufio.NewReader(conn)
				for range c.calls {
					time.Sleep(c.keep - time.Second)
					if _, err := io.WriteString(conn, "GET "+tokenPath+"?"+tokenValues(testSecret).Encode()+" HTTP/1.1\r\nHost: upstream\r\n\r\n"); err != nil {
						t.Fatal(err)
					}
					response, err := http.ReadResponse(read, nil)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := io.Copy(io.Discard, response.Body); err != nil {
						t.Fatal(err)
					}
					if response.Close != (c.keep < 0) {
						t.Errorf("the answer says that it is the last one: %t", response.Close)
					}
				}
				began := time.Now()
				_ = conn.SetReadDeadline(began.Add(patience))
				if _, err := read.ReadByte(); err == nil || time.Since(began) != c.lasts {
					t.Errorf("%v after %v, want %v", err, time.Since(began), c.lasts)
				}
				wantViolations(t, s)
			})
		})
	}
}
