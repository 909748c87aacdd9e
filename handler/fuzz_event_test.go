package handler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

// fuzzAnswer is what the upstream of FuzzEvent says.
const fuzzAnswer = `{"code":"0","result":{"headPhoto":"AAAA"}}`

// FuzzEvent: whatever comes as an event, nothing panics. An HTTP event gets a response that the
// platform can read, of the contract's; anything else a return value or an error without a value of
// the event in it. And the upstream is asked for orders alone, with nothing else of the event.
func FuzzEvent(f *testing.F) {
	var asked queries
	h, logged := newHandler(f, asked.answer, noAuth)
	f.Fuzz(func(t *testing.T, payload []byte) {
		out, err := h.Invoke(t.Context(), "id-1", payload)
		names := memberNames(payload)
		isHTTP := slices.Contains(names, "httpMethod")
		switch {
		case err != nil && isHTTP && !strings.HasPrefix(err.Error(), "the event "):
			t.Errorf("%q: %v", payload, err)
		case err != nil:
			checkEventError(t, payload, names, err.Error())
		case isHTTP:
			checkEventResponse(t, out)
		case names == nil || !json.Valid(out):
			t.Errorf("%q returns %q", payload, out)
		}
		asked.check(t, payload)
		for _, line := range logged.Take(t) {
			if detail, ok := line["detail"].(string); ok && strings.HasPrefix(detail, "panic") {
				t.Errorf("%q: %s", payload, detail)
			}
		}
	})
}

// queries are the result queries that an upstream got.
type queries struct {
	mu   sync.Mutex
	list []string
}

func (q *queries) answer(w http.ResponseWriter, r *http.Request) {
	q.mu.Lock()
	q.list = append(q.list, r.URL.RawQuery)
	q.mu.Unlock()
	_, _ = w.Write([]byte(fuzzAnswer))
}

// check forgets the queries after a look at them.
func (q *queries) check(t *testing.T, payload []byte) {
	t.Helper()
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) > 1 {
		t.Errorf("%q: %d queries", payload, len(q.list))
	}
	for _, raw := range q.list {
		values, err := url.ParseQuery(raw)
		if err != nil {
			t.Errorf("%q: the upstream is asked with %q: %v", payload, raw, err)
		}
		for name, list := range values {
			ok := len(list) == 1
			switch name {
			case "app_id":
				ok = ok && list[0] == "IDA1"
			case "order_no":
				ok = ok && isPlainOrder(list[0])
			case "get_file", "get_native":
				ok = ok && list[0] == "1"
			case "nonce", "version", "sign":
			default:
				ok = false
			}
			if !ok {
				t.Errorf("%q: the upstream is asked with %s=%q", payload, name, list)
			}
		}
		for _, name := range []string{"app_id", "order_no", "nonce", "version", "sign"} {
			if !values.Has(name) {
				t.Errorf("%q: the upstream is asked without %s", payload, name)
			}
		}
	}
	q.list = q.list[:0]
}

// memberNames are the names of an object's members; nil where payload is no object.
func memberNames(payload []byte) []string {
	if !json.Valid(payload) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(payload))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return nil
	}
	names := []string{}
	for d.More() {
		name, _ := d.Token()
		var value json.RawMessage
		_ = d.Decode(&value)
		names = append(names, name.(string))
	}
	return names
}

// eventErrors are all that an event can be told, but for its keys and the faults of an upstream.
var eventErrors = []string{
	"the event is not a JSON object", "the event has too many members", "unknown action: query, deliver and renew are known",
	string(failOrderNo().body("id-1")), string(failAppID().body("id-1")), string(failNoRoute.body("id-1")), string(failNoSinks.body("id-1")),
}

// checkEventError holds an error to what may be in it: keys, and no value of the event.
func checkEventError(t *testing.T, payload []byte, names []string, text string) {
	t.Helper()
	if slices.Contains(eventErrors, text) {
		if noObject := text == eventErrors[0]; noObject != (names == nil) {
			t.Errorf("%q: %s", payload, text)
		}
		return
	}
	if strings.HasPrefix(text, `{"code":"FailedOperation.Upstream`) && !strings.Contains(text, `"msg":"result: code `) {
		return // the machine is busy
	}
	slices.Sort(names)
	var quoted []string
	for _, name := range slices.Compact(names) {
		quoted = append(quoted, fmt.Sprintf("%.40q", name))
	}
	slices.Sort(quoted)
	if len(quoted) > 20 {
		quoted = append(quoted[:20], "…")
	}
	if want := "unknown event with the keys " + strings.Join(quoted, ", "); text != want {
		t.Errorf("%q: %s, want %s", payload, text, want)
	}
}

// checkEventResponse holds a response to the contract.
func checkEventResponse(t *testing.T, out []byte) {
	t.Helper()
	status, headers, body := checkResponse(t, out)
	if headers["X-Request-Id"] != "id-1" {
		t.Errorf("request id %q", headers["X-Request-Id"])
	}
	if status == 200 {
		const health = `{"status":"ok","store":"memory","apps":[{"app_id":"IDA1",`
		if body != fuzzAnswer && body != "AAAA" && !strings.HasPrefix(body, health) {
			t.Errorf("status 200: %s", body)
		}
		return
	}
	var own struct{ Code, Msg, RequestID string }
	if err := json.Unmarshal([]byte(body), &own); err != nil || own.Msg == "" || own.RequestID != "id-1" {
		t.Errorf("status %d: %s, %v", status, body, err)
	}
	want := map[string]int{
		codeOrderNo: 400, codeAppID: 400, codeDuplicate: 400, codeNotFound: 404, codeMethod: 405,
		codeUnreachable: 502, codeTimeout: 504, // the machine is busy
	}
	if want[own.Code] != status {
		t.Errorf("status %d with %s", status, own.Code)
	}
}

// FuzzEventQuery compares the query of an event, or its headers, with what encoding/json and net/url
// read in it: every pair in turn, nothing merged.
func FuzzEventQuery(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw []byte) {
		raw = bytes.TrimSpace(raw) // the value of a member has none around it
		var got []param
		found := decodeQuery(raw, func(name, value string) { got = append(got, param{name, value}) })
		if found != (len(got) > 0) {
			t.Errorf("%q: %t with %q", raw, found, got)
		}
		if !json.Valid(raw) {
			return // of an event that is refused before
		}
		var text string
		if json.Unmarshal(raw, &text) == nil && text != "" {
			values := url.Values{}
			for _, p := range got {
				values.Add(p.name, p.value)
			}
			if want, err := url.ParseQuery(strings.TrimPrefix(text, "?")); err == nil && !reflect.DeepEqual(values, want) {
				t.Errorf("%q: %v, want %v", raw, values, want)
			}
			return
		}
		if want := pairsOf(raw); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	})
}

// pairsOf reads an object of valid JSON token by token, which is slow and plain.
func pairsOf(raw []byte) (pairs []param) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return nil
	}
	for d.More() {
		name, _ := d.Token()
		var value json.RawMessage
		_ = d.Decode(&value)
		list := []json.RawMessage{value}
		if value[0] == '[' {
			list = nil
			_ = json.Unmarshal(value, &list)
		}
		for _, v := range list {
			var decoded any
			one := json.NewDecoder(bytes.NewReader(v))
			one.UseNumber() // some do not fit a float64
			_ = one.Decode(&decoded)
			p := param{name: name.(string)}
			switch x := decoded.(type) {
			case string:
				p.value = x
			case nil:
			case bool:
				if !x {
					p.value = "false"
				}
			default:
				p.value = string(v)
			}
			pairs = append(pairs, p)
		}
	}
	return pairs
}
