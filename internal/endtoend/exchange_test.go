package endtoend

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"
)

const jsonType = "application/json; charset=utf-8"

// exchange is a request and the answer that the contract promises.
type exchange struct {
	name   string
	first  func(*world) // done before
	method string       // "" is GET
	target string       // path and query, as sent
	header http.Header  // nil: alice's token
	body   string

	status int
	code   string // of our own error body; "" means that the body is the upstream's, or as also says

	asks   int    // signed calls that reach the upstream
	silent bool   // not even a token or ticket is asked for
	sends  string // what the last GET among them carried besides order_no and what is signed; "" means the first app alone
	heads  http.Header
	also   func(t *testing.T, w *world, a *answer)
}

// group is a list of exchanges in one world, in order.
type group struct {
	name      string
	setting   setting
	exchanges []exchange
}

func (g group) run(t *testing.T, over transport) {
	w := open(t, over, g.setting)
	for _, e := range g.exchanges {
		t.Run(e.name, func(t *testing.T) { e.run(t, w) })
	}
}

// groups are run at the same time.
type groups []group

func (list groups) run(t *testing.T, over transport) {
	for _, g := range list {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			g.run(t, over)
		})
	}
}

func (e exchange) run(t *testing.T, w *world) {
	if e.first != nil {
		e.first(w)
	}
	calls, asked := w.witness.count()
	method, header := e.method, e.header
	if method == "" {
		method = http.MethodGet
	}
	if header == nil {
		header = http.Header{"Authorization": {"Bearer " + aliceToken}}
	}
	a := w.send(method, e.target, header, e.body)
	if a.status != e.status {
		t.Errorf("status %d, want %d: %.300s", a.status, e.status, a.body)
	}
	a.checkHeaders(t)
	for name := range e.heads {
		if got, want := a.header.Get(name), e.heads.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	callsNow, askedNow := w.witness.count()
	if askedNow-asked != e.asks {
		t.Errorf("%d signed calls, want %d", askedNow-asked, e.asks)
	}
	if e.silent && callsNow != calls {
		t.Errorf("%d calls of the upstream, want none", callsNow-calls)
	}
	if e.asks > 0 && len(w.witness.posted()) == 0 {
		e.checkSent(t, w)
	}
	switch {
	case method == http.MethodHead:
	case e.code != "":
		a.checkError(t, e.code)
	case e.also == nil:
		a.checkRelayed(t, w)
	}
	if e.also != nil {
		e.also(t, w, a)
	}
}

// checkHeaders looks for what every response has.
func (a *answer) checkHeaders(t *testing.T) {
	t.Helper()
	for name, want := range map[string]string{
		"Cache-Control":          "no-store",
		"X-Content-Type-Options": "nosniff",
		"X-Request-Id":           a.header.Get("X-Scf-Request-Id"), // as the platform calls it
	} {
		if got := a.header[name]; len(got) != 1 || got[0] != want || want == "" {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if len(a.header["Content-Type"]) != 1 || a.header.Get("Content-Type") == "" {
		t.Errorf("Content-Type: %q", a.header["Content-Type"])
	}
	for _, only := range []struct {
		name     string
		statuses []int
	}{
		{"Www-Authenticate", []int{401}},
		{"Allow", []int{405}},
		{"Retry-After", []int{502, 503}},
	} {
		if a.header.Get(only.name) != "" && !slices.Contains(only.statuses, a.status) {
			t.Errorf("%s with status %d", only.name, a.status)
		}
	}
}

// checkError looks for an error body of our own, of exactly its three fields.
func (a *answer) checkError(t *testing.T, code string) {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != jsonType {
		t.Errorf("Content-Type %q", got)
	}
	checkErrorBody(t, a.body, code, a.header.Get("X-Request-Id"))
}

func checkErrorBody(t *testing.T, body []byte, code, requestID string) (msg string) {
	t.Helper()
	var fields map[string]string
	if err := json.Unmarshal(body, &fields); err != nil {
		t.Fatalf("%v: %.300s", err, body)
	}
	want := map[string]string{"code": code, "msg": fields["msg"], "requestId": requestID}
	if !maps.Equal(fields, want) || fields["msg"] == "" {
		t.Errorf("got %s, want code %s and requestId %s", body, code, requestID)
	}
	return fields["msg"]
}

// checkRelayed holds the body to what the upstream answered last.
func (a *answer) checkRelayed(t *testing.T, w *world) {
	t.Helper()
	_, sent := w.witness.latest()
	if got := a.sum(); got != sent {
		t.Errorf("%d bytes with the hash %x, the upstream sent %d with %x", got.size, got.hash, sent.size, sent.hash)
	}
	if got := a.header.Get("Content-Type"); got != jsonType {
		t.Errorf("Content-Type %q", got)
	}
}

// checkSent looks at what the caller's parameters became.
func (e exchange) checkSent(t *testing.T, w *world) {
	t.Helper()
	want, err := url.ParseQuery(e.sends)
	if err != nil {
		t.Fatal(err)
	}
	if !want.Has("app_id") {
		want.Set("app_id", firstApp)
	}
	query, _ := w.witness.latest()
	got := maps.Clone(query)
	for _, name := range []string{"order_no", "nonce", "version", "sign"} {
		got.Del(name)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the upstream was asked with %v, want %v", got, want)
	}
}

// says is an exchange's also: it looks for words in the error's text.
func says(words ...string) func(*testing.T, *world, *answer) {
	return func(t *testing.T, _ *world, a *answer) {
		t.Helper()
		var body struct{ Msg string }
		if err := json.Unmarshal(a.body, &body); err != nil {
			t.Fatal(err)
		}
		for _, word := range words {
			if !contains(body.Msg, word) {
				t.Errorf("msg does not say %q: %s", word, body.Msg)
			}
		}
	}
}
