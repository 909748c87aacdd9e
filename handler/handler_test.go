package handler

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"kyc-ocr-relay/internal/order"
	"kyc-ocr-relay/internal/pipetest"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
)

func bearerHeader() http.Header { return http.Header{"Authorization": {"Bearer " + goodToken}} }

func TestOneLineTellsWhatHappened(t *testing.T) {
	h, logged := newHandler(t, answerWith(`{"code":"66660020","result":null}`), nil)
	header := bearerHeader()
	header.Set("X-Scf-Request-Id", "id-7")
	w := get(h, "/ocr/idcard/order7", header)
	if w.Code != 404 || w.Header().Get("X-Request-Id") != "id-7" {
		t.Errorf("got %d, %v", w.Code, w.Header())
	}
	lines := logged.Take(t)
	if len(lines) != 1 {
		t.Fatalf("%d lines", len(lines))
	}
	for name, want := range map[string]any{
		"level": "INFO", "msg": "request", "request_id": "id-7", "route": "result", "type": "idcard", "app_id": "IDA1",
		"order": order.Hash("order7"), "caller": "alice", "status": 404.0, "upstream_code": "66660020", "ticket": "absent",
		"attempts": 1.0, "bytes": float64(w.Body.Len()),
	} {
		if got := lines[0][name]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{"upstream_ms", "total_ms"} {
		if ms, ok := lines[0][name].(float64); !ok || ms < 0 {
			t.Errorf("%s is %v", name, lines[0][name])
		}
	}
}

func TestFreshRequestIDWhereThePlatformGaveNone(t *testing.T) {
	h, logged := newHandler(t, answerWith(`{}`), nil)
	for _, given := range []string{"", "canary canary", strings.Repeat("x", 200)} {
		w := get(h, "/nowhere", http.Header{"X-Scf-Request-Id": {given}})
		id := w.Header().Get("X-Request-Id")
		lines := logged.Take(t)
		if len(id) < 20 || strings.Contains(id, "canary") || len(lines) != 1 || lines[0]["request_id"] != id || !strings.Contains(w.Body.String(), id) {
			t.Errorf("given %q: got %q, %v, %s", given, id, lines, w.Body)
		}
	}
}

// panicky is an issuer whose panic must not end the process.
type panicky struct{ issuer }

func (panicky) Token(context.Context) (secret.Credential, error) { panic("canary") }

func TestPanicIsAnAnswerAndALineWithoutItsValue(t *testing.T) {
	for name, change := range map[string]func(*relay.Config){
		"in the handler": func(c *relay.Config) { c.Upstream = nil },
		"in a renewal": func(c *relay.Config) {
			c.Tickets = ticket.New(ticket.Config{Apps: map[string]ticket.App{"IDA1": {Issuer: panicky{}}}, Schedule: schedule})
		},
	} {
		h, logged := newHandler(t, answerWith(`{}`), change)
		w := get(h, "/ocr/bankcard/a1", bearerHeader())
		var body map[string]string
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != 500 || body["code"] != codeInternal {
			t.Errorf("%s: %d, %s, %v", name, w.Code, w.Body, err)
		}
		lines := logged.Take(t)
		if len(lines) != 1 || lines[0]["status"] != 500.0 || lines[0]["level"] != "WARN" {
			t.Errorf("%s: %v", name, lines)
		}
		if get(h, "/healthz", nil).Code != 200 {
			t.Errorf("%s: no health afterwards", name)
		}
	}
}

func TestPanicValueIsNotTold(t *testing.T) {
	logged := &pipetest.Log{}
	line := logLine{id: "id-1"}
	resp := line.guard(logged.Logger(), func() *response { panic("canary 6222020903001483077") })
	if resp.status != 500 || strings.Contains(string(resp.body), "canary") {
		t.Errorf("got %d, %s", resp.status, resp.body)
	}
	list := logged.Take(t)
	if len(list) != 1 {
		t.Fatal(list)
	}
	detail, _ := list[0]["detail"].(string)
	if strings.Contains(detail, "canary") || !strings.Contains(detail, "panic (string)") || !strings.Contains(detail, "TestPanicValueIsNotTold") {
		t.Errorf("detail %q", detail)
	}
}

func TestBuildIsTriedAgainUntilItSucceedsAndThenNotAgain(t *testing.T) {
	good, _ := newHandler(t, answerWith(`{"code":"0"}`), nil)
	logged := &pipetest.Log{}
	var builds atomic.Int32
	h := handlerOf(func(ctx context.Context) (*relay.Relay, error) {
		if builds.Add(1) <= 2 {
			return nil, errors.New("KYC_APP_ID: required\nKYC_SECRET: required")
		}
		return good.relays.Get(ctx)
	}, logged.Logger())
	for i, want := range []int{500, 500, 200, 200} {
		w := get(h, "/healthz", nil)
		if w.Code != want {
			t.Errorf("request %d: status %d, want %d", i+1, w.Code, want)
		}
		if want == 500 && (!strings.Contains(w.Body.String(), codeConfiguration) || !strings.Contains(w.Body.String(), `required\nKYC_SECRET`)) {
			t.Errorf("request %d: %s", i+1, w.Body)
		}
	}
	if builds.Load() != 3 {
		t.Errorf("%d builds", builds.Load())
	}
	lines := slices.DeleteFunc(logged.Take(t), func(l map[string]any) bool { return l["msg"] == "request" })
	if len(lines) != 2 || lines[0]["error"] != codeConfiguration {
		t.Errorf("log %v", lines)
	}
}

func TestManyFirstRequestsBuildOnce(t *testing.T) {
	good, _ := newHandler(t, answerWith(`{"code":"0"}`), nil)
	var builds atomic.Int32
	h := handlerOf(func(ctx context.Context) (*relay.Relay, error) {
		builds.Add(1)
		return good.relays.Get(ctx)
	}, slog.New(slog.DiscardHandler))
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if w := get(h, "/healthz", nil); w.Code != 200 {
				t.Errorf("status %d", w.Code)
			}
		})
	}
	group.Wait()
	if builds.Load() != 1 {
		t.Errorf("%d builds", builds.Load())
	}
}

func TestRoleComesWithTheRequestAndStaysInside(t *testing.T) {
	credentials := role.FromEnvironment(func(string) string { return "" })
	header := http.Header{"X-Scf-Secret-Id": {"canary-id"}, "X-Scf-Secret-Key": {"canary-key"}, "X-Scf-Session-Token": {"canary-session"}}
	var got role.Credentials
	var err error
	logged := &pipetest.Log{}
	h := handlerOf(func(ctx context.Context) (*relay.Relay, error) {
		got, err = credentials(ctx)
		return nil, errors.New("KYC_APP_ID: required")
	}, logged.Logger())
	w := get(h, "/healthz", header)
	if err != nil || got.SecretID.Reveal() != "canary-id" || got.SecretKey.Reveal() != "canary-key" || got.SessionToken.Reveal() != "canary-session" {
		t.Errorf("got %q, %q, %q, %v", got.SecretID.Reveal(), got.SecretKey.Reveal(), got.SessionToken.Reveal(), err)
	}
	if strings.Contains(w.Body.String()+logged.String(), "canary") {
		t.Errorf("told: %s, %s", w.Body, logged.String())
	}
	get(h, "/healthz", nil)
	if !errors.Is(err, role.ErrNone) {
		t.Errorf("without headers: %v", err)
	}
}

// A caller can send the headers as well: two of a kind are none, whoever came first.
func TestForgedRoleDoesNotCount(t *testing.T) {
	good := func() http.Header {
		return http.Header{"X-Scf-Secret-Id": {"canary-id"}, "X-Scf-Secret-Key": {"canary-key"}, "X-Scf-Session-Token": {"canary-session"}}
	}
	for name := range good() {
		for what, values := range map[string][]string{
			"forged first": {"forged", "canary"}, "forged last": {"canary", "forged"}, "put together": {"forged, canary"},
			"empty": {""}, "missing": nil,
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				header := good()
				header[name] = values
				var err error
				h := handlerOf(func(ctx context.Context) (*relay.Relay, error) {
					_, err = role.FromEnvironment(func(string) string { return "" })(ctx)
					return nil, errors.New("KYC_APP_ID: required")
				}, slog.New(slog.DiscardHandler))
				if get(h, "/healthz", header); !errors.Is(err, role.ErrNone) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}
