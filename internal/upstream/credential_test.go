package upstream

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/signer"
)

// TestCallsInOrder takes the three steps against the simulator, which knows the exact parameters.
func TestCallsInOrder(t *testing.T) {
	sim := simulator.New(simulator.Config{Apps: map[string]string{"IDA1": "s&=%+ é/?#"}})
	c := connect(t, sim.ServeHTTP)
	token, err := c.AccessToken(t.Context(), "IDA1", secret.New("s&=%+ é/?#"))
	if err != nil || token.Life != 2*time.Hour || token.Value.IsEmpty() {
		t.Fatal(token.Life, err)
	}
	ticket, err := c.SignTicket(t.Context(), "IDA1", token.Value)
	if err != nil || ticket.Life != time.Hour || ticket.Value.IsEmpty() {
		t.Fatal(ticket.Life, err)
	}
	for _, q := range []Query{
		{Type: BankCard, OrderNo: "card1"},
		{Type: BankCard, OrderNo: "card2", WithPhotos: true, WithNative: true}, // native is for ID cards
		{Type: IDCard, OrderNo: "person1", WithNative: true},
		{Type: IDCard, OrderNo: "person2", WithPhotos: true, WithNative: true},
	} {
		q.AppID, q.Ticket, q.Limit = "IDA1", ticket.Value, 1<<20
		a, err := c.Result(t.Context(), q)
		if err != nil || a.Class != Success || a.Code != "0" || a.Attempts != 1 || a.Elapsed <= 0 {
			t.Errorf("%s: %+v, %v", q.OrderNo, a, err)
		}
		if photo := q.Type.Photos()[0]; q.WithPhotos != (len(a.Photo(photo)) > 0) {
			t.Errorf("%s: %d bytes of %s", q.OrderNo, len(a.Photo(photo)), photo)
		}
	}
	if broken := sim.Violations(); broken != nil {
		t.Errorf("%q", broken)
	}
}

// TestQueryIsSigned looks at one query on the wire.
func TestQueryIsSigned(t *testing.T) {
	var (
		mu   sync.Mutex
		seen *http.Request
	)
	c := connect(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = r
		text(`{"code":"0"}`)(w, r)
	})
	q := card()
	q.Type, q.WithPhotos, q.WithNative = IDCard, true, true
	if _, err := c.Result(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	values := seen.URL.Query()
	nonce := values.Get("nonce")
	want := url.Values{
		"app_id": {"IDA1"}, "order_no": {"order1"}, "version": {"1.0.0"}, "nonce": {nonce},
		"sign":     {signer.Sign("IDA1", "order1", "1.0.0", nonce, "canary-ticket")},
		"get_file": {"1"}, "get_native": {"1"},
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Error(diff)
	}
	var headers []string
	for name := range seen.Header {
		headers = append(headers, name)
	}
	slices.Sort(headers)
	if got := strings.Join(headers, " "); got != "Accept User-Agent" { // no Accept-Encoding: the body stays as it is
		t.Errorf("headers %s", got)
	}
	if seen.Method != "GET" || seen.ContentLength != 0 || seen.TransferEncoding != nil || seen.URL.Path != "/api/server/getOcrResult" {
		t.Errorf("%s %s, %d bytes %v", seen.Method, seen.URL.Path, seen.ContentLength, seen.TransferEncoding)
	}
}

func TestBaseURLMayHaveAPath(t *testing.T) {
	paths := make(chan string, 1)
	c := connect(t, func(w http.ResponseWriter, r *http.Request) {
		paths <- r.URL.Path
		text(`{"code":"0"}`)(w, r)
	})
	c.base.Path = "/behind/this"
	if _, err := c.Result(t.Context(), card()); err != nil {
		t.Fatal(err)
	}
	if got := <-paths; got != "/behind/this/api/server/getBankCardOcrResult" {
		t.Error(got)
	}
}

func TestLivesOfCredentials(t *testing.T) {
	for expireIn, want := range map[string]time.Duration{ // of a ticket, documented as an hour
		`"3600"`: time.Hour, `3600`: time.Hour, `"1800"`: 30 * time.Minute, `1800`: 30 * time.Minute,
		`1.5`: 1500 * time.Millisecond, `"60"`: time.Minute, `1e2`: 100 * time.Second,
		`0`: time.Hour, `"0"`: time.Hour, `-1`: time.Hour, `"-3600"`: time.Hour, `3601`: time.Hour,
		`99999999999999999999999`: time.Hour, `1e999`: time.Hour, `"NaN"`: time.Hour, `"Inf"`: time.Hour,
		`""`: time.Hour, `"soon"`: time.Hour, `null`: time.Hour, `{}`: time.Hour, `[60]`: time.Hour, `true`: time.Hour,
	} {
		c := connect(t, text(`{"code":"0","tickets":[{"value":"v","expire_in":`+expireIn+`}]}`))
		if got, err := c.SignTicket(t.Context(), "IDA1", secret.New("t")); err != nil || got.Life != want {
			t.Errorf("expire_in %s: %v, %v, want %v", expireIn, got.Life, err, want)
		}
	}
	c := connect(t, text(`{"code":0,"access_token":"v"}`))
	if got, err := c.AccessToken(t.Context(), "IDA1", secret.New("s")); err != nil || got.Life != 2*time.Hour {
		t.Errorf("no expire_in: %v, %v", got.Life, err)
	}
}

// TestCredentialAnswers gives the same answers to the three calls.
func TestCredentialAnswers(t *testing.T) {
	const refused = Refused
	for _, c := range []struct {
		name, body string
		value      string // of each
		reason     Reason
		class      Class
		code       string
	}{
		{name: "as documented", body: `{"code":"0","access_token":"v","tickets":[{"value":"v"}]}`, value: "v"},
		{name: "the number 0", body: `{"code":0,"access_token":"v","tickets":[{"value":"v"}]}`, value: "v"},
		{name: "unknown fields", body: `{"x":{"access_token":"w"},"code":"0","access_token":"v","tickets":[{"y":1,"value":"v"}]}`, value: "v"},
		{name: "two tickets", body: `{"code":"0","access_token":"v","tickets":[{"value":"v"},{"value":"w"}]}`, value: "v"},
		{name: "escapes", body: `{"code":"0","access_token":"\u0076\/","tickets":[{"value":"\u0076\/"}]}`, value: "v/"},
		{name: "empty", body: `{"code":"0","access_token":"","tickets":[{"value":""}]}`, reason: refused, code: "0"},
		{name: "null", body: `{"code":"0","access_token":null,"tickets":null}`, reason: refused, code: "0"},
		{name: "absent", body: `{"code":"0"}`, reason: refused, code: "0"},
		{name: "an empty list", body: `{"code":"0","tickets":[]}`, reason: refused, code: "0"},
		{name: "of another type", body: `{"code":"0","access_token":7,"tickets":7}`, reason: BadResponse},
		{name: "a wrong secret", body: `{"code":"400105","access_token":"v","tickets":[{"value":"v"}]}`, reason: refused, class: Permanent, code: "400105"},
		{name: "a code as a number", body: `{"code":400501}`, reason: refused, class: Throttled, code: "400501"},
		{name: "an unknown code", body: `{"code":"66669999"}`, reason: refused, class: Business, code: "66669999"},
		{name: "a code that is no number", body: `{"code":"canary"}`, reason: refused, class: Business, code: "(not a number)"},
		{name: "larger than any credential", body: `{"code":"0","x":"` + strings.Repeat("canary", 20_000) + `"}`, reason: BadResponse},
		{name: "no code", body: `{"access_token":"v","tickets":[{"value":"v"}]}`, reason: BadResponse},
	} {
		client := connect(t, text(c.body))
		for step, call := range map[string]func() (secret.Credential, error){
			"access token": func() (secret.Credential, error) {
				return client.AccessToken(t.Context(), "IDA1", secret.New("canary-secret"))
			},
			"SIGN ticket": func() (secret.Credential, error) {
				return client.SignTicket(t.Context(), "IDA1", secret.New("canary-token"))
			},
			"NONCE ticket": func() (secret.Credential, error) {
				return client.NonceTicket(t.Context(), "IDA1", secret.New("canary-token"), "canary-user")
			},
		} {
			got, err := call()
			if c.value != "" {
				if err != nil || got.Value.Reveal() != c.value {
					t.Errorf("%s, %s: got %q, %v", c.name, step, got.Value.Reveal(), err)
				}
				continue
			}
			var e *Error
			if !errors.As(err, &e) || e.Step != step || e.Reason != c.reason || e.Class != c.class || e.Code != c.code {
				t.Errorf("%s, %s: %+v", c.name, step, err)
				continue
			}
			if e.Refused() != (c.class == Permanent || c.class == Business) {
				t.Errorf("%s, %s: refused %v", c.name, step, e.Refused())
			}
			if !strings.HasPrefix(e.Error(), step+": ") || strings.Contains(e.Error(), "canary") {
				t.Errorf("%s, %s: %s", c.name, step, e)
			}
		}
	}
}
