package delivery

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"kyc-ocr-relay/internal/order"
)

const hookSecret = "plain-secret-of-the-webhook"

// receiver is a webhook's other side. It verifies every message.
type receiver struct {
	url string

	mu       sync.Mutex
	answer   []int // of the next messages; 200 when it is used up
	got      []message
	location string
}

type message struct {
	ID        string
	Type      string
	Timestamp time.Time
	Data      json.RawMessage
	raw       string
}

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	verifier, err := standardwebhooks.NewWebhookRaw([]byte(hookSecret))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err == nil {
			err = verifier.Verify(body, q.Header)
		}
		m := message{ID: q.Header.Get("webhook-id"), raw: string(body)}
		if err == nil {
			err = json.Unmarshal(body, &m)
		}
		if err != nil || q.Method != "POST" || q.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s, %v: %s", q.Method, err, body)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		status := 200
		if len(r.answer) > 0 {
			status, r.answer = r.answer[0], r.answer[1:]
		}
		if status/100 == 2 {
			r.got = append(r.got, m)
		}
		if r.location != "" {
			w.Header().Set("Location", r.location)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL + "/hook?token=secret-of-the-query"
	return r
}

// messages returns what was taken so far.
func (r *receiver) messages() []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]message(nil), r.got...)
}

func (r *receiver) next(statuses ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = statuses
}

func TestWebhook(t *testing.T) {
	r := startReceiver(t)
	s := openSinks(t, r.url)
	order := order.Order{AppID: "IDA1", Type: "bankcard", No: "order1"}
	const document = " {\"a\" : 1.50e+3,\n\"b\":\"\\u8bf7<&>\"} "
	for range 2 { // without an archive each event is told
		p, err := s.Check(t.Context(), order)
		if err != nil || p == nil {
			t.Fatal(p, err)
		}
		if err := p.Deliver(t.Context(), Pack([]byte(document), nil)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Reject(t.Context(), Rejection{"<no> order", "not a JSON object", "ckafka"}); err != nil {
		t.Fatal(err)
	}
	got := r.messages()
	if len(got) != 3 || got[0].ID != got[1].ID || got[0].ID == got[2].ID || !strings.HasPrefix(got[0].ID, "msg_") {
		t.Fatalf("%d messages", len(got))
	}
	want := `"data":{"app_id":"IDA1","type":"bankcard","order_no":"order1","result":` + document + `}}`
	if m := got[0]; m.Type != "ocr.delivered" || time.Since(m.Timestamp).Abs() > time.Minute || !strings.HasSuffix(m.raw, want) {
		t.Errorf("got %s", m.raw)
	}
	want = `{"name":"` + Rejection{Message: "<no> order"}.Name() + `","message":"\u003cno\u003e order","reason":"not a JSON object","event":"ckafka"}`
	if m := got[2]; m.Type != "ocr.rejected" || string(m.Data) != want {
		t.Errorf("got %s", m.raw)
	}
}

func TestWebhookIDs(t *testing.T) {
	seen := map[string]bool{}
	for _, app := range []string{"A", "B"} {
		for _, typ := range []string{"bankcard", "idcard"} {
			for _, no := range []string{"1", "2"} {
				id := delivered(order.Order{AppID: app, Type: typ, No: no}, nil).id
				if seen[id] || id != delivered(order.Order{AppID: app, Type: typ, No: no}, []byte("x")).id {
					t.Errorf("%s of %s/%s/%s", id, app, typ, no)
				}
				seen[id] = true
			}
		}
	}
}

func TestWebhookIsTriedTwice(t *testing.T) {
	for _, c := range []struct {
		answers []int
		got     int
		err     string
	}{
		{[]int{204}, 1, ""},
		{[]int{503, 200}, 1, ""},
		{[]int{429, 202}, 1, ""},
		{[]int{500, 502, 200}, 0, "answered 502"},
		{[]int{400, 200}, 0, "answered 400"},
		{[]int{410, 200}, 0, "answered 410"},
		{[]int{302, 200}, 0, "answered 302: a redirect, which is not followed"},
	} {
		t.Run(fmt.Sprint(c.answers), func(t *testing.T) {
			t.Parallel()
			r := startReceiver(t)
			r.location = r.url
			r.next(c.answers...)
			err := openSinks(t, r.url).hooks[0].post(t.Context(), payload{"t", "id", []byte("{}")})
			if got := len(r.messages()); got != c.got || (err == nil) != (c.err == "") || err != nil && !strings.HasSuffix(err.Error(), c.err) {
				t.Errorf("%d messages, %v", got, err)
			}
		})
	}
}

func TestWebhookErrorsHideTheURL(t *testing.T) {
	r := startReceiver(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, u := range []string{gone.URL + "/path?token=secret", strings.Replace(r.url, "http:", "https:", 1)} {
		err := openSinks(t, u).hooks[0].post(t.Context(), payload{"t", "id", []byte("{}")})
		if err == nil || strings.Contains(err.Error(), "token") || strings.Contains(err.Error(), "path") {
			t.Errorf("%v", err)
		}
	}
}

func TestSigningKey(t *testing.T) {
	raw := "\x00\x01 raw key \xff"
	for given, want := range map[string]string{
		"plain": "plain",
		"whsec_" + base64.StdEncoding.EncodeToString([]byte(raw)): raw,
	} {
		key, err := signingKey(text(given))
		if err != nil || key.Reveal() != want {
			t.Errorf("%q: %q, %v", given, key.Reveal(), err)
		}
	}
	for _, given := range []string{"whsec_", "whsec_???", "whsec_AAA"} {
		if _, err := signingKey(text(given)); err == nil || strings.Contains(err.Error(), "AAA") {
			t.Errorf("%q: %v", given, err)
		}
	}
}
