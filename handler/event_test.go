package handler

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

// eventSeeds are events in the forms of the platform's documents, and in worse.
var eventSeeds = []string{
	`{"requestContext":{"serviceId":"s","path":"/ocr/bankcard/a1","httpMethod":"GET","requestId":"r","identity":{},"sourceIp":"1.2.3.4","stage":"release"},"headers":{"Authorization":"Bearer x"},"body":"","pathParameters":{},"queryStringParameters":{},"headerParameters":{},"stageVariables":{},"path":"/ocr/bankcard/a1","queryString":{"a":"1","b":["2","3"],"bare":true},"httpMethod":"GET","isBase64Encoded":false}`,
	`{"body":"","headers":{"accept":"*/*","x-scf-remote-addr":"1.2.3.4"},"httpMethod":"GET","path":"/","queryString":{"get_file":"1"}}`,
	`{"httpMethod":"GET","path":"/api/server/getOcrResult","queryString":"order_no=a1&get_native=1"}`,
	`{"httpMethod":"GET","path":"/ocr/idcard/a1/photos/headPhoto","queryString":{"app_id":null}}`,
	`{"httpMethod":"GET","path":"/healthz","headers":[1],"queryString":7}`,
	`{"httpMethod":1,"path":2,"headers":{"authorization":{"a":[]}},"queryString":{"order_no":[[],{},null,-1e9]}}`,
	`{"Type":"Timer","TriggerName":"refresh","Time":"2019-02-21T11:49:00Z","Message":""}`,
	`{"type":"bankcard","order_no":"a1","get_file":1}`, `{"action":"query"}`, `{"action":"renew"}`, `{"action":[]}`,
	`{"what":1}`, `{}`, `[]`, `null`, `"x"`, ``, `{`, "{\"httpMethod\":\"GET\",\"path\":\"/\xff\"}", `{"httpMethod":"GET","path":"/ocr/bankcard/\ud800"}`,
}

// FuzzEvent: whatever comes as an event, nothing panics, and an HTTP event gets a response that the
// platform can read.
func FuzzEvent(f *testing.F) {
	for _, seed := range eventSeeds {
		f.Add([]byte(seed))
	}
	h, logged := newHandler(f, answerWith(`{"code":"0","result":{"headPhoto":"AAAA"}}`), noAuth)
	f.Fuzz(func(t *testing.T, payload []byte) {
		out, err := h.Invoke(t.Context(), "id-1", payload)
		var event map[string]json.RawMessage
		_ = json.Unmarshal(payload, &event)
		_, isHTTP := event["httpMethod"]
		switch {
		case isHTTP && err != nil:
			t.Errorf("%q: %v", payload, err)
		case isHTTP:
			checkResponse(t, out)
		case err == nil && !json.Valid(out):
			t.Errorf("%q returns %q", payload, out)
		}
		for _, line := range logged.take(t) {
			if detail, ok := line["detail"].(string); ok && strings.HasPrefix(detail, "panic") {
				t.Errorf("%q: %s", payload, detail)
			}
		}
	})
}

// checkResponse reads a return value as the platform does.
func checkResponse(t *testing.T, payload []byte) (status int, headers map[string]string, body string) {
	t.Helper()
	var r struct {
		IsBase64Encoded *bool
		StatusCode      *int
		Headers         map[string]string
		Body            *string
	}
	if err := json.Unmarshal(payload, &r); err != nil || r.IsBase64Encoded == nil || r.StatusCode == nil || r.Body == nil {
		t.Fatalf("%v: %s", err, payload)
	}
	for _, name := range []string{"Content-Type", "Cache-Control", "X-Content-Type-Options", "X-Request-Id"} {
		if r.Headers[name] == "" {
			t.Errorf("no %s: %s", name, payload)
		}
	}
	return *r.StatusCode, r.Headers, *r.Body
}

func TestEventHeadersAndQueriesInEveryForm(t *testing.T) {
	for raw, want := range map[string][]param{
		`{"a":"1"}`:                  {{"a", "1"}},
		`{"b":"1","a":"2"}`:          {{"b", "1"}, {"a", "2"}},
		`{"a":["1","2"],"b":true}`:   {{"a", "1"}, {"a", "2"}, {"b", ""}},
		`{"a":"1","a":"2"}`:          {{"a", "1"}, {"a", "2"}},
		`{"a":null,"b":[null,true]}`: {{"a", ""}, {"b", ""}, {"b", ""}},
		`{"a":12345678901234567890}`: {{"a", "12345678901234567890"}},
		`{"a":false,"b":1.50}`:       {{"a", "false"}, {"b", "1.50"}},
		`{"a":{"x":1}}`:              {{"a", `{"x":1}`}},
		`{"a":[],"b":"1"}`:           {{"b", "1"}},
		`{"\u0061":"\u5361 \"x\""}`:  {{"a", `卡 "x"`}},
		`{}`:                         nil,
		`null`:                       nil,
		`7`:                          nil,
		`[{"a":"1"}]`:                nil,
		``:                           nil,
		`"a=1&b=%20x&a=2"`:           {{"a", "1"}, {"b", " x"}, {"a", "2"}},
		`"?a=1"`:                     {{"a", "1"}},
		`""`:                         nil,
	} {
		var got []param
		if found := decodeQuery(json.RawMessage(raw), func(name, value string) { got = append(got, param{name, value}) }); found != (len(want) > 0) {
			t.Errorf("decodeQuery(%s) = %v", raw, found)
		}
		if len(got) != len(want) {
			t.Errorf("decodeQuery(%s) = %q, want %q", raw, got, want)
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("decodeQuery(%s) = %q, want %q", raw, got, want)
			}
		}
	}
}

func TestFlag(t *testing.T) {
	for raw, want := range map[string]bool{
		`1`: true, `"1"`: true, `true`: true, ` true `: true,
		``: false, `0`: false, `"0"`: false, `false`: false, `null`: false, `"true"`: false, `2`: false, `[1]`: false, `1.0`: false,
	} {
		if flag(json.RawMessage(raw)) != want {
			t.Errorf("flag(%s) = %v", raw, !want)
		}
	}
}

func TestUnknownEventTellsKeysAndNotTooMany(t *testing.T) {
	event := map[string]json.RawMessage{strings.Repeat("k", 200): nil, "a\nb": nil}
	for i := range 100 {
		event[strings.Repeat("x", i)] = json.RawMessage(`"canary"`)
	}
	text := unknownEvent(event).Error()
	if len(text) > 2000 || strings.Contains(text, "canary") || strings.Contains(text, "\n") || !strings.Contains(text, `"a\nb"`) {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}

func TestInvocationEndsWithItsContext(t *testing.T) {
	h, _ := newHandler(t, answerWith(`{"code":"0"}`), noAuth)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out, err := h.Invoke(ctx, "id-1", []byte(`{"httpMethod":"GET","path":"/ocr/bankcard/a1"}`))
	if err != nil {
		t.Fatal(err)
	}
	if status, _, body := checkResponse(t, out); status != statusCallerGone || !strings.Contains(body, codeInternal) {
		t.Errorf("got %d, %s", status, body)
	}
}
