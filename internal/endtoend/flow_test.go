package endtoend

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/simulator"
)

// run has the vendor's client start with what a front end was given, and returns what comes back.
func (b beginning) run(sim *simulator.Simulator) (back simulator.Callback, err error) {
	switch {
	case b.URL != "":
		callback, err := sim.RunH5(b.URL)
		if err != nil {
			return back, err
		}
		u, err := url.Parse(callback)
		q := u.Query()
		return simulator.Callback{Code: q.Get("code"), OrderNo: q.Get("orderNo"), Sign: q.Get("newSignature") + q.Get("newSign")}, err
	case b.FaceID != "":
		return sim.RunFace(b.Start)
	}
	return sim.RunOCR(b.Start)
}

// checkOf is the body of a check of what came back.
func checkOf(flow string, back simulator.Callback) string {
	code := ""
	if flow == "face" {
		code = `"code":"` + back.Code + `",`
	}
	return `{"flow":"` + flow + `","order_no":"` + back.OrderNo + `",` + code + `"sign":"` + back.Sign + `"}`
}

// flow is what the check calls the act's.
func (a act) flow() string {
	if a.call == "" {
		return "ocr"
	}
	return "face"
}

// TestWholeFlows has every product begin, be verified, come back, be checked and asked for. What it
// began with is good once, and another start makes another.
func TestWholeFlows(t *testing.T) {
	t.Parallel()
	throughThese(t, actTransports, func(t *testing.T, over transport) {
		w := open(t, over, setting{})
		for _, a := range acts {
			if a.gives != "start" {
				continue
			}
			t.Run(a.name, func(t *testing.T) { a.wholeFlow(t, w) })
		}
		w.expectMinted(1, 1+2*(len(products)+1)) // a NONCE ticket for each start
	})
}

func (a act) wholeFlow(t *testing.T, w *world) {
	nonces := map[string]bool{}
	for round := range 2 {
		order := a.order(fmt.Sprint("flow", round))
		e := a.exchange(order)
		begin := started(t, w.post(e.target, e.body))
		back, err := begin.run(w.sim)
		if err != nil || back.OrderNo != order {
			t.Fatalf("start %d: %v, %+v", round, err, back)
		}
		if _, err := begin.run(w.sim); err == nil {
			t.Error("the client starts twice with one NONCE ticket")
		}
		nonces[begin.Nonce] = true
		for _, c := range []struct {
			body  string
			valid bool
		}{
			{checkOf(a.flow(), back), true},
			{strings.Replace(checkOf(a.flow(), back), back.Sign, strings.ToLower(back.Sign), 1), true},
			{strings.Replace(checkOf(a.flow(), back), order, order+"x", 1), false},
			{strings.Replace(checkOf(a.flow(), back), `"code":"0"`, `"code":"1"`, 1), a.flow() == "ocr"},
			{`{"app_id":"` + secondApp + `",` + checkOf(a.flow(), back)[1:], false},
			{strings.Replace(checkOf(a.flow(), back), back.Sign, strings.Repeat("0", 40), 1), false},
			{strings.Replace(checkOf(a.flow(), back), back.Sign, begin.Sign, 1), false}, // that it began with
		} {
			isValid(c.valid)(t, w, w.post("/check", c.body))
		}
		if a.flow() == "ocr" {
			w.expectStatus("/ocr/bankcard/"+order, 200)
			continue
		}
		query := ""
		if a.name == "startwill" {
			query = "product=will"
		}
		w.expectStatus("/face/"+order+"?get_file=1&"+query, 200)
		w.expectStatus("/face/"+order+"/photo?"+query, 200)
		w.expectStatus("/face/"+order+"/video?"+query, 200)
	}
	if len(nonces) != 2 {
		t.Error("two starts have one nonce")
	}
}

// TestFlowsThatEndOtherwise are verdicts and refusals of the client's part.
func TestFlowsThatEndOtherwise(t *testing.T) {
	t.Parallel()
	throughThese(t, actTransports[:2], func(t *testing.T, over transport) {
		w := open(t, over, setting{})
		for _, c := range []struct {
			order, code    string
			status         int // of the result, the photo, the video
			photo, video   int
			domain, chosen string
		}{
			{"mismatch1", "66669004", 200, 200, 200, "kyc1.qcloud.com", "kyc1.qcloud.com"},
			{"spoof1", "66669005", 200, 200, 200, "kyc1.qcloud.com", "kyc1.qcloud.com"},
			{"aborted1", "3003", 404, 404, 404, "kyc1.qcloud.com", "kyc1.qcloud.com"},
			{"nodomain1", "0", 200, 200, 200, "", "127.0.0.1"},
			{"foreigndomain1", "0", 200, 200, 200, "", "127.0.0.1"},
		} {
			begin := started(t, w.post("/start/face", `{"order_no":"`+c.order+`","product":"h5",`+ownPerson+`,"url":"https://shop.example/"}`))
			if u, err := url.Parse(begin.URL); err != nil || u.Hostname() != c.chosen || begin.Domain != c.domain {
				t.Errorf("%s: sent to %s, domain %q", c.order, u.Hostname(), begin.Domain)
			}
			back, err := begin.run(w.sim)
			if err != nil || back.Code != c.code {
				t.Fatalf("%s: %v, %+v", c.order, err, back)
			}
			isValid(true)(t, w, w.post("/check", checkOf("face", back)))
			isValid(false)(t, w, w.post("/check", strings.Replace(checkOf("face", back), c.code, "66660001", 1)))
			w.expectStatus("/face/"+c.order+"?get_file=1", c.status)
			w.expectStatus("/face/"+c.order+"/photo", c.photo)
			w.expectStatus("/face/"+c.order+"/video", c.video)
		}
	})
}

// nonceUsers are users for whom the NONCE ticket is refused or lost, whatever the product.
var nonceUsers = group{name: "NONCE tickets", exchanges: func() (list []exchange) {
	for _, c := range []struct {
		user, code string
		heads      http.Header
		words      []string
	}{
		{"forbidden", "FailedOperation.Credential", nil, []string{"NONCE", "400104"}},
		{"throttled", "FailedOperation.Credential", retry, []string{"NONCE", "400501"}},
		{"toolong", "FailedOperation.Credential", nil, []string{"NONCE", "66660000"}},
		{"html", "FailedOperation.UpstreamBadResponse", nil, []string{"NONCE"}},
		{"lost", "FailedOperation.UpstreamUnreachable", nil, []string{"NONCE"}},
		{"redirect", "FailedOperation.UpstreamBadResponse", nil, []string{"NONCE"}},
	} {
		for _, a := range acts {
			if a.gives != "start" {
				continue
			}
			e := a.refused(a.order("nonce"+c.user), 502, c.code)
			e.name, e.heads, e.also = a.name+" "+c.user, c.heads, says(c.words...)
			e.body = strings.Replace(e.body, "userOfTheFlow", c.user+"User", 1)
			list = append(list, e)
		}
	}
	return list
}()}

func TestNonceTicketsThatAreNotToBeHad(t *testing.T) {
	t.Parallel()
	throughThese(t, actTransports[:2], nonceUsers.run)
}

// TestDirectInvocationOfFace is TestDirectInvocation for the type face.
func TestDirectInvocationOfFace(t *testing.T) {
	t.Parallel()
	throughThese(t, eventTransports, func(t *testing.T, over transport) {
		w := open(t, over, setting{})
		for _, c := range []struct {
			payload, code string
			asks          int
			voided        bool
		}{
			{`{"type":"face","order_no":"direct1"}`, "", 1, false},
			{`{"type":"face","order_no":"direct2","get_file":1,"app_id":"` + firstApp + `","action":"query"}`, "", 1, false},
			{`{"type":"face","order_no":"direct3"}`, "", 2, true},
			{`{"type":"face","order_no":"mismatch1"}`, "", 1, false},
			{`{"type":"face","order_no":"notfound1"}`, "", 1, false},
			{`{"type":"face","order_no":"throttled1"}`, "", 1, false},
			{`{"type":"face","order_no":"lost1"}`, "FailedOperation.UpstreamUnreachable", 1, false},
			{`{"type":"face","order_no":"html1"}`, "FailedOperation.UpstreamBadResponse", 1, false},
			{`{"type":"face","order_no":"huge12x1","get_file":1}`, "FailedOperation.ResponseTooLarge", 1, false},
			{`{"type":"face","order_no":"stray-canary"}`, "InvalidParameterValue.OrderNo", 0, false},
			{`{"type":"face","order_no":"direct4","app_id":"stray-canary"}`, "InvalidParameterValue.AppId", 0, false},
			{`{"type":"Face","order_no":"direct5"}`, "ResourceNotFound", 0, false},
		} {
			if c.voided {
				w.sim.Void(firstApp)
			}
			_, before := w.witness.count()
			result := w.invoke(c.payload)
			if _, asked := w.witness.count(); asked-before != c.asks {
				t.Errorf("%s: %d calls, want %d", c.payload, asked-before, c.asks)
			}
			switch {
			case c.code == "" && result.Error == nil:
				a := answer{header: map[string][]string{"Content-Type": {jsonType}}, body: result.Payload}
				a.checkRelayed(t, w)
			case c.code != "" && result.Error != nil:
				checkErrorBody(t, []byte(result.Error.Message), c.code, result.RequestID)
			default:
				t.Errorf("%s: %.200s, %+v", c.payload, result.Payload, result.Error)
			}
		}
		w.expectMinted(2, 2)
	})
}
