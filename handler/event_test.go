package handler

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

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
