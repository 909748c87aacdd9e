package examples

import (
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/pipetest"
	"kyc-ocr-relay/internal/simulator"
)

// relayLog has the built relay log all that an alarm looks at, and returns the fields of its lines, by
// their message. It holds their types to the index.
func relayLog(t *testing.T) map[string]map[string]bool {
	t.Helper()
	binary := folder.Function(t)
	upstream := simulator.New(simulator.Config{Apps: map[string]string{app: "test-secret-1"}})
	server := httptest.NewServer(upstream)
	defer server.Close()
	log := new(pipetest.Log)
	const token = "Bearer shop-token-0123456789"
	var functions []interface{ Close() error }
	web := func(env map[string]string) *gateway.Web {
		all := map[string]string{
			"KYC_APP_ID": app, "KYC_SECRET": "test-secret-1", "KYC_BASE_URL": server.URL, "CALLER_TOKENS": "shop:shop-token-0123456789",
			"CALLER_SCOPES": "shop:ocr+start+check+ticket",
		}
		maps.Copy(all, env)
		f, err := gateway.StartWeb(t.Context(), gateway.Config{Binary: binary, Env: all, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		functions = append(functions, f)
		return f
	}
	post := func(h http.Handler, path, body string) {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Authorization", token)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}

	// Its store is shared, and has no pair when the first client comes back.
	shared := map[string]string{"TICKET_STORE": "file://" + filepath.ToSlash(t.TempDir())}
	good := web(shared)
	post(good, "/check", `{"flow":"ocr","order_no":"order1","sign":"`+strings.Repeat("0", 40)+`"}`)
	post(good, "/start/ocr", `{"user_id":"user1","order_no":"order1"}`)
	get(good, "/ocr/bankcard/order1", token)
	get(good, "/ocr/bankcard/order1", "") // 401
	get(good, "/api/oauth2/access_token", token)
	upstream.Mint(app) // by another server; its pair is the one that counts
	upstream.Void(app)
	deadline := time.Now().Add(30 * time.Second)
	for !strings.Contains(log.String(), `"msg":"ticket voided by another server"`) && time.Now().Before(deadline) { // a pair may be too young to be renewed
		get(good, "/ocr/bankcard/order2", token)
	}
	get(web(map[string]string{"KYC_SECRET": "wrong"}), "/ocr/bankcard/order1", token)
	get(web(map[string]string{"KYC_SECRET": ""}), "/ocr/bankcard/order1", token)
	get(web(map[string]string{"TICKET_STORE": "redis://127.0.0.1:1/0"}), "/ocr/bankcard/order1", token)

	events, err := gateway.StartEvent(t.Context(), gateway.Config{Binary: binary, Log: log, Env: map[string]string{
		"KYC_APP_ID": app, "KYC_SECRET": "test-secret-1", "KYC_BASE_URL": server.URL, "CALLER_AUTH": "none",
		"DELIVER_TO": "file://" + filepath.ToSlash(t.TempDir()), "TICKET_STORE": shared["TICKET_STORE"],
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { events.Close() })
	functions = append(functions, events)
	for _, event := range []string{
		`{"Type":"Timer","TriggerName":"renew"}`, `{"action":"deliver","type":"bankcard","order_no":"order3"}`,
	} {
		if result, err := events.Invoke(t.Context(), []byte(event)); err != nil || result.Error != nil {
			t.Fatal(err, result.Error)
		}
	}
	for _, f := range functions {
		f.Close() // then the log has all
	}
	return fields(t, log)
}

// fields returns the fields of all lines, by their message.
func fields(t *testing.T, log *pipetest.Log) map[string]map[string]bool {
	t.Helper()
	types, seen := indexed(t), map[string]map[string]bool{}
	for _, line := range log.Take(t) {
		msg, _ := line["msg"].(string)
		if seen[msg] == nil {
			seen[msg] = map[string]bool{}
		}
		for name, value := range line {
			seen[msg][name] = true
			if name == "time" { // the service has a time of its own
				continue
			}
			number, isNumber := value.(float64)
			switch types[name] {
			case "":
				t.Errorf("%s of %q is not in the index", name, msg)
			case "text":
				if isNumber {
					t.Errorf("%s is indexed as text: %v", name, line)
				}
			case "long":
				if !isNumber || number != math.Trunc(number) {
					t.Errorf("%s is indexed as an integer: %v", name, line)
				}
			case "double":
				if !isNumber {
					t.Errorf("%s is indexed as a number: %v", name, line)
				}
			}
		}
	}
	t.Logf("messages: %q", slices.Sorted(maps.Keys(seen)))
	return seen
}
