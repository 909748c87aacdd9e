package endtoend

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"kyc-ocr-relay/internal/simulator"
)

// together makes n requests at a time, of targets that depend on the number, and counts statuses.
func (w *world) together(n int, target func(i int) string) map[int]int {
	w.t.Helper()
	var (
		group    sync.WaitGroup
		mu       sync.Mutex
		statuses = map[int]int{}
		start    = make(chan struct{})
	)
	for i := range n {
		group.Go(func() {
			<-start
			a, err := w.try(http.MethodGet, target(i), bearer(aliceToken), "")
			if err != nil {
				w.t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			statuses[a.status]++
		})
	}
	close(start)
	group.Wait()
	return statuses
}

// expectMinted compares what an app was answered so far.
func (w *world) expectMinted(tokens, tickets int) {
	w.t.Helper()
	if c := w.sim.Counts(firstApp); c.Tokens != tokens || c.Tickets != tickets {
		w.t.Errorf("%d tokens and %d tickets were issued, want %d and %d", c.Tokens, c.Tickets, tokens, tickets)
	}
}

func (w *world) expectStatus(target string, status int) {
	w.t.Helper()
	if a := w.get(target); a.status != status {
		w.t.Errorf("%s: status %d, want %d: %s", target, a.status, status, a.body)
	}
}

func order(prefix string) func(int) string {
	return func(i int) string { return fmt.Sprintf("/ocr/bankcard/%s%d", prefix, i) }
}

func TestManyFirstRequestsMintOnce(t *testing.T) {
	t.Parallel()
	w := open(t, webTransport, setting{})
	if got := w.together(200, order("early")); got[200] != 200 {
		t.Errorf("statuses %v", got)
	}
	w.expectMinted(1, 1)
}

func TestManyFirstRequestsOfAnEventFunctionMintOnce(t *testing.T) {
	t.Parallel()
	through(t, func(t *testing.T, over transport) {
		w := open(t, over, setting{})
		if got := w.together(20, order("early")); got[200] != 20 {
			t.Errorf("statuses %v", got)
		}
		w.expectMinted(1, 1)
	})
}

// A rejection also means a bad parameter: a flood of them is no reason for a flood of mints.
func TestRejectedQueriesMintOnceMore(t *testing.T) {
	t.Parallel()
	t.Run("one after another", func(t *testing.T) {
		t.Parallel()
		through(t, func(t *testing.T, over transport) {
			n := 1000
			if over.event {
				n = 100
			}
			w := open(t, over, setting{})
			for i := range n {
				w.expectStatus(order("rejected")(i), 502)
			}
			w.expectMinted(2, 2)
			w.expectStatus("/ocr/bankcard/good1", 200)
			w.expectMinted(2, 2)
		})
	})
	t.Run("at once", func(t *testing.T) {
		t.Parallel()
		w := open(t, webTransport, setting{})
		if got := w.together(1000, order("rejected")); got[502] != 1000 {
			t.Errorf("statuses %v", got)
		}
		w.expectMinted(2, 2)
		w.expectStatus("/ocr/bankcard/good1", 200)
		w.expectMinted(2, 2)
	})
	t.Run("among good ones", func(t *testing.T) {
		t.Parallel()
		w := open(t, webTransport, setting{})
		got := w.together(400, func(i int) string { return order([]string{"rejected", "good"}[i%2])(i) })
		if got[502] != 200 || got[200] != 200 {
			t.Errorf("statuses %v", got)
		}
		w.expectMinted(2, 2)
	})
}

func TestVoidedPairIsRenewedByOneQuery(t *testing.T) {
	t.Parallel()
	through(t, func(t *testing.T, over transport) {
		w := open(t, over, setting{})
		w.expectStatus("/ocr/bankcard/before1", 200)
		w.sim.Void(firstApp)
		w.expectStatus("/ocr/bankcard/after1", 200)
		w.expectMinted(2, 2)
		w.expectStatus("/ocr/bankcard/after2", 200)
		w.expectMinted(2, 2)
	})
}

func TestVoidedPairIsRenewedOnceByManyQueries(t *testing.T) {
	t.Parallel()
	w := open(t, webTransport, setting{})
	w.expectStatus("/ocr/bankcard/before1", 200)
	w.sim.Void(firstApp)
	if got := w.together(200, order("after")); got[200] != 200 {
		t.Errorf("statuses %v", got)
	}
	w.expectMinted(2, 2)
}

// A foreign server with the same app has a pair issued: ours dies an overlap later, and not one
// query fails.
func TestForeignMintIsSurvived(t *testing.T) {
	t.Parallel()
	through(t, func(t *testing.T, over transport) {
		w := open(t, over, setting{simulator: simulator.Config{Overlap: 50 * time.Millisecond}})
		w.expectStatus("/ocr/bankcard/before1", 200)
		w.sim.Mint(firstApp)
		for i := 0; w.sim.Counts(firstApp).Rejected == 0 && t.Context().Err() == nil; i++ {
			w.expectStatus(order("during")(i), 200)
		}
		w.expectMinted(2, 2)
		w.expectStatus("/ocr/bankcard/after1", 200)
		w.expectMinted(2, 2)
	})
}

// A pair that is due is renewed while it serves: no query waits for that, and none fails.
func TestDuePairIsRenewedWhileItServes(t *testing.T) {
	t.Parallel()
	w := open(t, webTransport, setting{env: map[string]string{"TICKET_REFRESH": "3s", "TICKET_OVERLAP": "2900ms"}})
	callers := time.NewTicker(50 * time.Millisecond)
	defer callers.Stop()
	for i := 0; w.sim.Counts(firstApp).Tickets < 2 && t.Context().Err() == nil; i++ {
		w.expectStatus(order("due")(i), 200)
		<-callers.C
	}
	if got := w.sim.Counts(firstApp).Rejected; got != 0 {
		t.Errorf("%d rejections", got)
	}
}
