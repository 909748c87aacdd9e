package handler

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"regexp"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/pipetest"
)

// wire is a network that notes what the function sends, also what nobody reads to its end.
type wire struct {
	*pipetest.Network
	mu   sync.Mutex
	sent bytes.Buffer
}

func (w *wire) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := w.Network.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &tapped{conn, w}, nil
}

type tapped struct {
	net.Conn
	wire *wire
}

func (c *tapped) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.wire.mu.Lock()
	c.wire.sent.Write(b[:n])
	c.wire.mu.Unlock()
	return n, err
}

// nonce is one in a query string or in JSON.
var nonce = regexp.MustCompile(`nonce(?:=|":")([0-9A-Za-z]{32})`)

// nonces returns how many were written, and reports those that were written again.
func (w *wire) nonces(t *testing.T) int {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[string]bool{}
	for _, found := range nonce.FindAllSubmatch(w.sent.Bytes(), -1) {
		if seen[string(found[1])] {
			t.Error("a nonce was sent twice")
		}
		seen[string(found[1])] = true
	}
	return len(seen)
}

// keeps are how long vendors keep a connection; below 0 it is not kept at all.
var keeps = []time.Duration{-1, time.Millisecond, time.Second, 29 * time.Second, 31 * time.Second, 75 * time.Second, 10 * time.Minute}

// sparse has ask use a function whose vendor keeps connections for so long. It returns how many nonces were sent and
// how many queries arrived.
func sparse(t *testing.T, keep time.Duration, ask func(f *rotating)) (sent, arrived int) {
	t.Helper()
	sim, network := vendorThatKeeps(t, keep)
	w := &wire{Network: network}
	ask(newRotating(t, w, nil))
	return w.nonces(t), sim.Counts("IDA1").Queries
}

// An instance that asks once in a while has its connections closed by the vendor, sooner or later, or after each
// answer. No query fails, and none is sent a second time, be it a GET to the vendor or a POST.
func TestSparseQueriesMeetNoDeadConnection(t *testing.T) {
	for _, keep := range keeps {
		t.Run(keep.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kept, asked := max(keep, 0), 0
				sent, arrived := sparse(t, keep, func(f *rotating) {
					for _, pause := range []time.Duration{kept / 2, kept + time.Millisecond, kept + time.Second, kept + 29*time.Second, kept + 5*time.Minute, kept + time.Hour} {
						for range 5 {
							f.expectAtOnce(t, fmt.Sprintf("/ocr/idcard/order%d?get_file=1", asked))
							time.Sleep(pause)
							f.expectAtOnce(t, fmt.Sprintf("/face/order%d", asked+1))
							time.Sleep(pause)
							asked += 2
						}
					}
				})
				if sent != asked || arrived != asked {
					t.Errorf("%d queries: %d were sent, %d arrived", asked, sent, arrived)
				}
			})
		})
	}
}

// expectAtOnce asks for a result, which has to come at the first attempt. No renewal may fail beside it.
func (f *rotating) expectAtOnce(t *testing.T, target string) {
	t.Helper()
	if w := get(f.Handler, target, nil); w.Code != 200 {
		t.Errorf("%s: %d %s", target, w.Code, w.Body)
	}
	for _, line := range f.log.Take(t) {
		if line["level"] != "INFO" || line["msg"] == "request" && line["attempts"] != 1.0 {
			t.Errorf("%s: %v", target, line)
		}
	}
}

// A query that is sent at the very moment at which the vendor closes the connection may be lost. Then it is sent
// again, with another nonce.
func TestQueriesAtTheMomentOfClosing(t *testing.T) {
	const asked = 50
	for _, keep := range keeps[1:] {
		t.Run(keep.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent, arrived := sparse(t, keep, func(f *rotating) {
					for range asked {
						f.expect(t, 200, "0")
						time.Sleep(keep)
					}
				})
				if sent < asked || arrived != asked {
					t.Errorf("%d queries: %d were sent, %d arrived", asked, sent, arrived)
				}
			})
		})
	}
}
