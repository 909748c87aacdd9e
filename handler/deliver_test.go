package handler

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/simulator"
)

func TestDeliverWaits(t *testing.T) {
	for _, c := range []struct {
		typ, order string
		took       time.Duration
		queries    int
		err        string
	}{
		{"bankcard", "order1", 0, 1, ""},
		{"idcard", "order1", 0, 1, ""},
		{"idcard", "odd1", 0, 1, ""},
		{"bankcard", "late1", time.Second, 2, ""},
		{"bankcard", "emptycrop1", 3 * time.Second, 4, ""},
		{"idcard", "blurred1", 0, 1, ""},
		{"bankcard", "unknown1", 0, 1, ""},
		{"bankcard", "huge12x1", 0, 2, ""}, // the first one ends at the length
		// 30 s, of which 5 s are kept for writing.
		{"bankcard", "notfound1", 24 * time.Second, 25, "there is no result yet"},
		{"bankcard", "throttled1", 0, 1, "the upstream answered code 400501"},
		{"idcard", "forbidden1", 0, 1, "the upstream answered code 400104"},
		{"idcard", "rejected1", 0, 2, "the upstream answered code 400101"},
		{"idcard", "redirect1", 0, 1, "result: a redirect, which is not followed"},
	} {
		t.Run(c.typ+" "+c.order, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPost(t, simulator.Config{})
				name := "IDA1/" + c.typ + "/" + c.order
				begin := time.Now()
				got, err := p.deliver(t, `{"action":"deliver","type":"`+c.typ+`","order_no":"`+c.order+`"}`)
				if took := time.Since(begin); took != c.took || p.sim.Counts("IDA1").Queries != c.queries {
					t.Errorf("took %v and %d queries", took, p.sim.Counts("IDA1").Queries)
				}
				_, marked := os.Stat(filepath.Join(p.dir, "undelivered", name+".order"))
				if c.err != "" {
					want := "deliver: 1 of 1 records have to be tried again: " + name + " (" + c.err + ")"
					if err == nil || err.Error() != want || marked != nil || p.holds(c.typ, c.order) == nil {
						t.Errorf("%v, %v, %v", got, err, marked)
					}
					return
				}
				if err != nil || !slices.Equal(got.Delivered, []string{name}) || !errors.Is(marked, os.ErrNotExist) {
					t.Errorf("%v, %v, %v", got, err, marked)
				}
				if err := p.holds(c.typ, c.order); err != nil {
					t.Error(err)
				}
				// Again: nothing is asked.
				got, err = p.deliver(t, ckafka(`{"type":"`+c.typ+`","order_no":"`+c.order+`","app_id":"IDA1"}`))
				if err != nil || !slices.Equal(got.Skipped, []string{name}) || p.sim.Counts("IDA1").Queries != c.queries {
					t.Errorf("%v, %v, %d queries", got, err, p.sim.Counts("IDA1").Queries)
				}
			})
		})
	}
}

// A result that comes while it is waited for, and photos a second after it. One side of
// an ID card was not taken: its photo is not waited for.
func TestResultComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, simulator.Config{})
		answers := []string{
			`{"code":"66660020"}`, `{"code":"66660020","result":null}`, `{"code":"0"}`,
			`{"code":"0","result":{"frontCode":"0","backCode":""}}`,
			`{"code":"0","result":{"frontCode":"0","backCode":"","frontCrop":"AAAA","frontPhoto":""}}`,
			`{"code":"0","result":{"frontCode":"0","backCode":"","frontCrop":"AAAA","frontPhoto":"BBBB"}}`,
		}
		n := 0
		p.sim.Intercept(func(w http.ResponseWriter, _ *http.Request, _ simulator.Call) bool {
			_, _ = io.WriteString(w, answers[min(n, len(answers)-1)])
			n++
			return true
		})
		begin := time.Now()
		if _, err := p.deliver(t, `{"action":"deliver","type":"idcard","order_no":"order1"}`); err != nil {
			t.Fatal(err)
		}
		// The last one is asked for at 5 s, 3 s after the first success.
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("took %v and %d queries", took, n)
		}
		got, err := os.ReadFile(filepath.Join(p.dir, "IDA1/idcard/order1/result.json"))
		if err != nil || !strings.Contains(string(got), `"frontPhoto":{"file":"frontPhoto.jpg","bytes":3,`) || !strings.Contains(string(got), `"frontCrop":{"file":`) {
			t.Errorf("%s, %v", got, err)
		}
	})
}

// Orders that wait hold up nobody: all are tried before any is tried again.
func TestWaitingHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, simulator.Config{})
		var messages []string
		for i := range 50 {
			messages = append(messages, bankcard(fmt.Sprintf("notfound%d", i)))
		}
		messages = append(messages, "not JSON", bankcard("order1"), bankcard("order1"), "not JSON", bankcard("bad-order"))
		begin := time.Now()
		var asked time.Duration
		p.sim.Intercept(func(_ http.ResponseWriter, r *http.Request, _ simulator.Call) bool {
			if r.URL.Query().Get("order_no") == "order1" {
				asked = time.Since(begin)
			}
			return false
		})
		_, err := p.deliver(t, ckafka(messages...))
		if asked != 0 || p.holds("bankcard", "order1") != nil {
			t.Errorf("asked after %v, %v", asked, p.holds("bankcard", "order1"))
		}
		for i := range 50 {
			if name := fmt.Sprintf("IDA1/bankcard/notfound%d ", i); err == nil || strings.Count(err.Error(), name) != 1 {
				t.Fatalf("%s is not named: %v", name, err)
			}
		}
		if strings.Contains(err.Error(), "order1") || !strings.HasPrefix(err.Error(), "deliver: 50 of 55 records") {
			t.Error(err)
		}
		log := p.log.Take(t)
		last := log[len(log)-1]
		delete(last, "time")
		delete(last, "request_id")
		want := map[string]any{"level": "WARN", "msg": "deliver", "event": "ckafka", "records": 55.0, "delivered": 1.0,
			"skipped": 2.0, "rejected": 2.0, "ignored": 0.0, "failed": 50.0, "total_ms": 24000.0}
		if len(log) != 51 || fmt.Sprint(last) != fmt.Sprint(want) {
			t.Errorf("%d lines, the last is %v", len(log), last)
		}
	})
}

func TestDeliverDirectly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, simulator.Config{})
		for event, code := range map[string]string{
			`{"action":"deliver","type":"driver","order_no":"order1"}`:                   codeNotFound,
			`{"action":"deliver","type":"bankcard","order_no":"bad-order"}`:              codeOrderNo,
			`{"action":"deliver","type":"bankcard","order_no":"order1","app_id":"IDA3"}`: codeAppID,
			`{"action":"deliver"}`: codeNotFound,
		} {
			if _, err := p.deliver(t, event); err == nil || !strings.Contains(err.Error(), code) {
				t.Errorf("%s: %v", event, err)
			}
		}
		if entries, err := os.ReadDir(p.dir); len(entries) != 0 {
			t.Errorf("%v, %v", entries, err)
		}
	})
}

func TestDeliverWithoutSinks(t *testing.T) {
	h, log := newHandler(t, answerWith(`{"code":"0"}`), nil)
	for _, event := range []string{ckafka(bankcard("order1")), `{"action":"deliver","type":"bankcard","order_no":"order1"}`} {
		_, err := h.Invoke(t.Context(), "id1", []byte(event))
		if err == nil || !strings.Contains(err.Error(), "DELIVER_TO") || !strings.Contains(err.Error(), codeConfiguration) {
			t.Errorf("%s: %v", event, err)
		}
	}
	if got := log.Take(t); len(got) != 2 {
		t.Errorf("%v", got)
	}
}
