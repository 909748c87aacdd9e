package endtoend

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/simulator"
)

// retry is what a throttled caller is told to wait.
var retry = http.Header{"Retry-After": {"5"}}

// answers are the upstream's JSON by its class: the body as it came, and a status.
var answers = groups{
	{name: "answers", setting: setting{faults: codes}, exchanges: []exchange{
		{name: "a card that is blurred", target: "/ocr/bankcard/blurred1", status: 200, asks: 1},
		{name: "a person that is blurred", target: "/ocr/idcard/blurred2", status: 200, asks: 1},
		{name: "a warning", target: "/ocr/bankcard/warn1", status: 200, asks: 1},
		{name: "an unknown code", target: "/ocr/idcard/unknown1", status: 200, asks: 1},
		{name: "a code that is no number", target: "/ocr/idcard/codeOOPS", status: 200, asks: 1},
		{name: "the number 0", target: "/ocr/bankcard/number1", status: 200, asks: 1},
		{name: "odd JSON", target: "/ocr/bankcard/odd1?get_file=1", status: 200, asks: 1, sends: "get_file=1"},
		{name: "-9011", target: "/ocr/bankcard/codeM9011", status: 200, asks: 1},
		{name: "66661003", target: "/ocr/idcard/code66661003", status: 200, asks: 1},
		{name: "300101", target: "/ocr/idcard/code300101", status: 200, asks: 1},
		{name: "no result", target: "/ocr/bankcard/notfound1", status: 404, asks: 1},
		{name: "no result, drop-in", target: idPath + "?order_no=notfound2", status: 404, asks: 1},
		{name: "parameter too long", target: "/ocr/bankcard/toolong1", status: 400, asks: 1},
		{name: "-1304", target: "/ocr/bankcard/codeM1304", status: 400, asks: 1},
		{name: "throttled", target: "/ocr/bankcard/throttled1", status: 503, asks: 1, heads: retry},
		{name: "400504", target: "/ocr/idcard/code400504", status: 503, asks: 1, heads: retry},
		{name: "400506", target: "/ocr/bankcard/code400506", status: 503, asks: 1, heads: retry},
		{name: "HTTP 429 with JSON", target: "/ocr/bankcard/status429code7", status: 503, asks: 1, heads: retry},
		{name: "refused", target: "/ocr/bankcard/forbidden1", status: 502, asks: 1},
		{name: "400103", target: "/ocr/idcard/code400103", status: 502, asks: 1},
		{name: "400105", target: "/ocr/idcard/code400105", status: 502, asks: 1},
		{name: "400502", target: "/ocr/bankcard/code400502", status: 502, asks: 1},
		{name: "HTTP 403 with a success", target: "/ocr/bankcard/status403code0", status: 502, asks: 1},
		{name: "transient and then found", target: "/ocr/bankcard/transient1", status: 200, asks: 3},
		{name: "transient for longer", target: "/ocr/bankcard/down1", status: 502, asks: 3},
		{name: "999998", target: "/ocr/idcard/code999998", status: 502, asks: 3},
		{name: "999997", target: "/ocr/idcard/code999997", status: 502, asks: 3},
		{name: "HTTP 500 with JSON", target: "/ocr/idcard/status500code0", status: 502, asks: 3},
	}},
	{name: "credential rejected", exchanges: []exchange{
		{name: "for the first time, after one renewal", target: "/ocr/bankcard/rejected1", status: 502, asks: 2, also: tokens(2)},
		{name: "again, without another", target: "/ocr/bankcard/rejected2", status: 502, asks: 1, silent: false, also: tokens(2)},
		{name: "a good query afterwards", target: "/ocr/bankcard/good1", status: 200, asks: 1, also: tokens(2)},
	}},
	{name: "login state rejected", setting: setting{faults: codes}, exchanges: []exchange{
		{name: "400102", target: "/ocr/bankcard/code400102", status: 502, asks: 2, also: tokens(2)},
		{name: "15", target: "/ocr/bankcard/code15?app_id=" + secondApp, status: 502, asks: 2, sends: "app_id=" + secondApp},
	}},
}

// tokens expects the upstream's body, and how many tokens the first app was issued so far.
func tokens(n int) func(*testing.T, *world, *answer) {
	return func(t *testing.T, w *world, a *answer) {
		t.Helper()
		a.checkRelayed(t, w)
		if got := w.sim.Counts(firstApp).Tokens; got != n {
			t.Errorf("%d tokens, want %d", got, n)
		}
	}
}

// codes answers the orders "code…" with that code, M standing for a minus, and the orders
// "status…code…" with an HTTP status besides.
func codes(w http.ResponseWriter, r *http.Request, _ simulator.Call) bool {
	before, code, ok := strings.Cut(r.URL.Query().Get("order_no"), "code")
	if !ok {
		return false
	}
	status := http.StatusOK
	if text, given := strings.CutPrefix(before, "status"); given {
		status, _ = strconv.Atoi(text)
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte("{ \"result\":{\"name\":\"李四四\"},\n\"code\":\"" + strings.Replace(code, "M", "-", 1) + "\"}\n"))
	return true
}

// isHealthy expects the health answer of the usual apps: those given have a pair, the others none.
func isHealthy(fresh ...string) func(*testing.T, *world, *answer) {
	return func(t *testing.T, _ *world, a *answer) {
		t.Helper()
		var health struct {
			Status, Store string
			Apps          []struct {
				ID     string `json:"app_id"`
				State  string
				Age    *int
				Source string
			}
		}
		if err := json.Unmarshal(a.body, &health); err != nil {
			t.Fatalf("%v: %s", err, a.body)
		}
		if health.Status != "ok" || health.Store != "memory" || len(health.Apps) != 3 {
			t.Errorf("got %s", a.body)
		}
		for _, app := range health.Apps {
			state, source := "absent", ""
			if slices.Contains(fresh, app.ID) {
				state, source = "fresh", "minted"
			}
			if app.State != state || app.Source != source || app.Age == nil || *app.Age < 0 {
				t.Errorf("%s is not %s: %s", app.ID, state, a.body)
			}
		}
	}
}
