//go:build unix

package endtoend

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kyc-ocr-relay/internal/simulator"
)

// flowChecks is what becomes of the flows that a fleet starts.
type flowChecks struct {
	wanted  bool
	sim     atomic.Pointer[simulator.Simulator] // whose clients end the flows; nil: nobody does
	checked atomic.Int64                        // what a client brought back
	unknown atomic.Int64                        // and of that, what was signed with a ticket that nobody knew
}

// start has flows come to their end, before the fleet is asked for any.
func (c *flowChecks) start(sim *simulator.Simulator) {
	c.wanted = true
	c.sim.Store(sim)
}

func (c *flowChecks) stop() { c.sim.Store(nil) }

// report looks at the checks: every sign is known but those with a ticket that was lost with a process
// between its being issued and its publication, which takes one mint more.
func (c *flowChecks) report(t *testing.T, mints int) {
	t.Helper()
	if !c.wanted {
		return
	}
	t.Logf("%d flows checked, %d with an unknown ticket", c.checked.Load(), c.unknown.Load())
	switch unknown, lost := c.unknown.Load(), mints > int(fleetLife/fleetRefresh)+1; {
	case c.checked.Load() < 100:
		t.Errorf("only %d flows were checked", c.checked.Load())
	case unknown > 0 && !lost:
		t.Errorf("%d of %d signs are not known", unknown, c.checked.Load())
	}
}

// ask asks processes of the fleet for what callers want: for results, for the start of a flow and,
// where there are clients, for the check of what comes back of it.
func (f *fleet) ask(n int, order string) {
	flow, members := "ocr", `"user_id":"userOfTheFlow"`
	switch n % 4 {
	case 2:
		flow, members = "face", `"product":"enhanced",`+ownPerson
	case 3:
	default:
		f.request("/ocr/bankcard/"+order, "")
		return
	}
	sim := f.checks.sim.Load()
	answer := f.request("/start/"+flow, `{"order_no":"`+order+`",`+members+`}`)
	if answer == nil || sim == nil {
		return
	}
	var begin beginning
	if err := json.Unmarshal(answer, &begin); err != nil {
		f.t.Error(err)
		return
	}
	back, err := begin.run(sim)
	if err != nil || back.Sign == "" {
		f.t.Errorf("%s comes back with %+v, %v", order, back, err)
		return
	}
	wait(f.t.Context(), 200*time.Millisecond) // the way back: meanwhile the ticket is published
	if answer := f.request("/check", checkOf(flow, back)); answer != nil && f.checks.sim.Load() != nil {
		f.checks.checked.Add(1)
		if string(answer) != `{"valid":true}` {
			f.checks.unknown.Add(1)
		}
	}
}

// request sends a process of the fleet a request, and returns the body of the answer. Only with a
// process that dies meanwhile may it be lost.
func (f *fleet) request(target, body string) []byte {
	p := &f.places[rand.IntN(fleetSize)]
	p.mu.Lock()
	web, life, stopped := p.web, p.lives, p.stopped
	p.mu.Unlock()
	if stopped || web == nil {
		return nil // the platform sends a frozen instance nothing
	}
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest(method, target, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+aliceToken)
	start := time.Now()
	web.ServeHTTP(recorder, request)
	if recorder.Code == http.StatusOK {
		f.answered.Add(1)
		took := int64(time.Since(start))
		for before := f.slowest.Load(); took > before && !f.slowest.CompareAndSwap(before, took); before = f.slowest.Load() {
		}
		return recorder.Body.Bytes()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lives != life {
		f.lost.Add(1)
		return nil
	}
	if target == "/check" && f.checks.sim.Load() == nil {
		return nil // there is no store to look into
	}
	f.t.Errorf("%s got %d: %s", target, recorder.Code, recorder.Body)
	return nil
}
