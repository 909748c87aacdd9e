package endtoend

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kyc-ocr-relay/internal/gateway"
)

// fate is what befalls the queries of one order, and what the upstream answered to each.
type fate struct {
	fault  *fault // nil: none
	always bool   // else the first query alone

	mu       sync.Mutex
	attempts []*attempt
}

// attempt is one query that reached the upstream.
type attempt struct {
	fault *fault // nil: it was answered as it should be
	whole bool   // all of sent was, as far as it lies with the upstream
	sent  digest
}

// mishaps befall some orders. What the contract makes of each is in faults; the last one is a code
// that is worth another try.
var mishaps = append(named("reset before the answer", "closed before the answer", "no HTTP", "reset amid the body", "truncated body", "empty 200", "HTML",
	"500 with JSON", "redirect", "bad JSON"),
	&fault{name: "transient code", answer: says200(`{"code":"999999","msg":"stray-canary"}`), take: relayed502})

// slowMishaps are one in a hundred of them: each holds a client up for as long as a call may take.
var slowMishaps = named("slow headers", "slow body")

func named(names ...string) (list []*fault) {
	for i := range faults {
		if slices.Contains(names, faults[i].name) {
			list = append(list, &faults[i])
		}
	}
	if len(list) != len(names) {
		panic("a fault is not in the list")
	}
	return list
}

func (w *loadWorld) newFate() *fate {
	f := &fate{always: rand.IntN(2) == 0}
	switch {
	case rand.IntN(w.oneIn) != 0:
	case rand.IntN(100) == 0:
		f.fault = slowMishaps[rand.IntN(len(slowMishaps))]
	default:
		f.fault = mishaps[rand.IntN(len(mishaps))]
	}
	return f
}

// begin notes that a query has come.
func (f *fate) begin() *attempt {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := &attempt{}
	if f.always || len(f.attempts) == 0 {
		a.fault = f.fault
	}
	f.attempts = append(f.attempts, a)
	return a
}

// last is the attempt that the caller's answer has to come from: the function asks again only
// where it does not hand on.
func (f *fate) last() attempt {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.attempts) == 0 {
		return attempt{}
	}
	return *f.attempts[len(f.attempts)-1]
}

func (w *loadWorld) fate(order string) *fate {
	f, _ := w.fates.LoadOrStore(order, w.newFate())
	return f.(*fate)
}

// answer is the upstream's.
func (w *loadWorld) answer(rw http.ResponseWriter, r *http.Request) {
	if !isSigned(r) {
		w.sim.ServeHTTP(rw, r)
		return
	}
	f := w.fate(r.URL.Query().Get("order_no"))
	a := f.begin()
	c := &copier{ResponseWriter: rw, hash: sha256.New()}
	c.whole = func() { // before the last of it is sent
		f.mu.Lock()
		defer f.mu.Unlock()
		a.sent.size, a.whole = c.size, true
		c.hash.Sum(a.sent.hash[:0])
	}
	if a.fault == nil {
		w.sim.ServeHTTP(c, r)
		return
	}
	w.faults.Add(1)
	a.fault.answer(c, r, w.genuine(r))
	c.whole()
}

// ask sends a good request of a route and holds the answer to what became of the order.
func (w *loadWorld) ask(ctx context.Context, do func(*http.Request) (*http.Response, error), target, order string, c *counts) {
	defer w.fates.Delete(order)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		w.t.Error(err)
		return
	}
	request.Header = http.Header{"Authorization": {"Bearer " + aliceToken}, "X-Scf-Secret-Key": {gateway.FakeSecretKey}}
	begin := time.Now()
	response, err := do(request)
	if err != nil {
		if ctx.Err() == nil {
			w.t.Errorf("%s: %T", order, err)
		}
		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil && ctx.Err() != nil {
		return
	}
	c.add(strconv.Itoa(response.StatusCode))
	f := w.fate(order)
	if f.fault == nil {
		c.took(time.Since(begin))
	}
	if err != nil {
		w.t.Errorf("%s: status %d and a body that breaks off: %v", order, response.StatusCode, err)
	} else if wrong := w.judge(target, order, f, response, body); wrong != "" {
		w.t.Errorf("%s, whose fate is %s: status %d: %s: %.200s", order, f, response.StatusCode, wrong, body)
	}
}

// judge says what is wrong with an answer: it is the order's own and whole, or what the contract
// says about the fault that the order met, or the instance had no room for it.
func (w *loadWorld) judge(target, order string, f *fate, r *http.Response, body []byte) (wrong string) {
	last, got := f.last(), digest{len(body), sha256.Sum256(body)}
	switch {
	case r.StatusCode == 200 && (last.fault != nil || !last.whole):
		return "the upstream gave no good answer"
	case r.StatusCode == 200 && strings.Contains(target, "/photos/"):
		want := w.sim.Photos("bankcard", order)["originBankcardPhoto"]
		if r.Header.Get("Content-Type") != "image/jpeg" || !bytes.Equal(body, want) {
			return fmt.Sprintf("not the photo, which has %d bytes", len(want))
		}
		return ""
	case r.StatusCode == 200 && (got != last.sent || r.Header.Get("Content-Type") != jsonType):
		return fmt.Sprintf("%d bytes that are not the %d that the upstream sent", got.size, last.sent.size)
	case r.StatusCode == 200:
		return ""
	case last.fault != nil && last.fault.take == outcome{r.StatusCode, ""}:
		if got != last.sent {
			return "not what the upstream sent"
		}
		return ""
	}
	w.log.told(r.Header, body) // of the function's own making
	var own struct{ Code, RequestID string }
	if err := json.Unmarshal(body, &own); err != nil || own.RequestID != r.Header.Get("X-Request-Id") {
		return "no error of the contract's"
	}
	said := outcome{r.StatusCode, own.Code}
	if said == (outcome{503, "LimitExceeded"}) && r.Header.Get("Retry-After") != "" || last.fault != nil && said == last.fault.take {
		return ""
	}
	return "nothing that the order met leads to this"
}

func (f *fate) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := "good"
	if f.fault != nil {
		text = f.fault.name
	}
	if f.always {
		text += " for ever"
	}
	for _, a := range f.attempts {
		text += fmt.Sprintf(", %d bytes (whole: %t)", a.sent.size, a.whole)
	}
	return text
}

// TestJudge has the load's own judge see the wrong answers that it is there for.
func TestJudge(t *testing.T) {
	w := newLoadWorld(t)
	const order = "huge3x" + loadMark
	good, other := []byte(`{"code":"0","a":1}`), []byte(`{"code":"0","a":2}`)
	sum := func(b []byte) digest { return digest{len(b), sha256.Sum256(b)} }
	own := func(code string) []byte { return []byte(`{"code":"` + code + `","msg":"x","requestId":"id-1"}`) }
	served, torn := attempt{whole: true, sent: sum(good)}, attempt{sent: sum(good[:9])}
	met := func(name string, sent []byte) attempt {
		return attempt{fault: named(name)[0], whole: true, sent: sum(sent)}
	}
	photo := w.sim.Photos("bankcard", order)["originBankcardPhoto"]
	const plain, photoRoute = "/ocr/bankcard/" + order, "/ocr/bankcard/" + order + "/photos/originBankcardPhoto"
	for _, c := range []struct {
		name, target string
		last         attempt
		status       int
		body         []byte
		right        bool
	}{
		{"the answer", plain, served, 200, good, true},
		{"another order's", plain, served, 200, other, false},
		{"a torn one", plain, served, 200, good[:9], false},
		{"as torn as it came", plain, torn, 200, good[:9], false},
		{"an error page", plain, met("HTML", good), 200, good, false},
		{"not asked for", plain, attempt{}, 200, good, false},
		{"an error without a reason", plain, served, 502, own("FailedOperation.UpstreamUnreachable"), false},
		{"a time-out without a reason", plain, served, 504, own("FailedOperation.UpstreamTimeout"), false},
		{"a good answer with an error's status", plain, served, 502, good, false},
		{"the error of the fault", plain, met("redirect", nil), 502, own("FailedOperation.UpstreamBadResponse"), true},
		{"the error of another fault", plain, met("redirect", nil), 502, own("FailedOperation.UpstreamUnreachable"), false},
		{"the upstream's error", plain, met("500 with JSON", good), 502, good, true},
		{"another error of the upstream", plain, met("500 with JSON", good), 502, other, false},
		{"no room", plain, served, 503, own("LimitExceeded"), true},
		{"refused", plain, served, 401, own("AuthFailure"), false},
		{"the photo", photoRoute, served, 200, photo, true},
		{"a part of it", photoRoute, served, 200, photo[:len(photo)-1], false},
		{"another photo", photoRoute, served, 200, w.sim.Photos("bankcard", order)["bankcardNoPhoto"], false},
	} {
		r := &http.Response{StatusCode: c.status, Header: http.Header{"X-Request-Id": {"id-1"}, "Content-Type": {jsonType}, "Retry-After": {"1"}}}
		if c.target == photoRoute {
			r.Header.Set("Content-Type", "image/jpeg")
		}
		f := &fate{attempts: []*attempt{&c.last}}
		if c.last == (attempt{}) {
			f.attempts = nil
		}
		if wrong := w.judge(c.target, order, f, r, c.body); (wrong == "") != c.right {
			t.Errorf("%s: %q", c.name, wrong)
		}
	}
}
