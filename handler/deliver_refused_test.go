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

// markOf returns the text of an order's mark.
func (p *post) markOf(t *testing.T, order string) string {
	t.Helper()
	mark, err := os.ReadFile(filepath.Join(p.dir, "undelivered/IDA1/bankcard", order+".order"))
	if err != nil {
		t.Fatal(err)
	}
	return string(mark)
}

// An order that the upstream rejects whatever it is asked with is set aside: its batch does
// not fail for it, and so does not ask for it, and mint, at every retry.
func TestRefusedOrderLeavesItsBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, simulator.Config{})
		got, err := p.deliver(t, ckafka(bankcard("order1"), bankcard("rejected1"), bankcard("order2")))
		if err != nil || !slices.Equal(got.Delivered, []string{"IDA1/bankcard/order1", "IDA1/bankcard/order2"}) ||
			!slices.Equal(got.Rejected, []string{"IDA1/bankcard/rejected1"}) {
			t.Fatalf("%v, %v", got, err)
		}
		log := p.log.Take(t)
		if len(log) < 2 || log[len(log)-2]["msg"] != "delivery failed" || log[len(log)-2]["upstream_code"] != "400101" ||
			!strings.Contains(fmt.Sprint(log[len(log)-2]["error"]), "set aside") || log[len(log)-1]["level"] != "WARN" {
			t.Errorf("the log is %v", log)
		}
		if _, err := os.Stat(filepath.Join(p.dir, "rejected")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("it is among the malformed messages: %v", err)
		}
		// Replayed, it is the caller's to hear that nothing has changed.
		mark := p.markOf(t, "rejected1")
		if _, err := p.deliver(t, mark); err == nil || !strings.Contains(err.Error(), "400101") {
			t.Errorf("replayed: %v", err)
		}
		p.sim.Intercept(func(w http.ResponseWriter, _ *http.Request, _ simulator.Call) bool {
			_, _ = io.WriteString(w, `{"code":"0","result":{"originBankcardPhoto":"AAAA","bankcardCropPhoto":"AAAA","bankcardNoPhoto":"AAAA"}}`)
			return true
		})
		if got, err := p.deliver(t, mark); err != nil || !slices.Equal(got.Delivered, []string{"IDA1/bankcard/rejected1"}) {
			t.Errorf("replayed at last: %v, %v", got, err)
		}
	})
}

// The upstream rejects all that an app asks: it is as if each order were at fault. None
// blocks its partition, none is lost, none is among the malformed, and each can be replayed.
func TestEverythingRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, simulator.Config{})
		broken := true
		p.sim.Intercept(func(w http.ResponseWriter, _ *http.Request, _ simulator.Call) bool {
			if broken {
				_, _ = io.WriteString(w, `{"code":"400101","msg":"illegal"}`)
			}
			return broken
		})
		var names, orders []string
		for batch := range 20 { // an hour of batches
			var messages []string
			for i := range 5 {
				orders = append(orders, fmt.Sprintf("order%dx%d", batch, i))
				names = append(names, "IDA1/bankcard/"+orders[len(orders)-1])
				messages = append(messages, bankcard(orders[len(orders)-1]))
			}
			got, err := p.deliver(t, ckafka(messages...))
			if err != nil || !slices.Equal(got.Rejected, names[batch*5:]) {
				t.Fatalf("%v, %v", got, err)
			}
			time.Sleep(3 * time.Minute)
		}
		if mints := len(p.sim.Mints("IDA1")); mints > 8 {
			t.Errorf("%d mints in an hour", mints)
		}
		if entries, err := os.ReadDir(filepath.Join(p.dir, "rejected")); len(entries) != 0 {
			t.Errorf("%d among the malformed, %v", len(entries), err)
		}
		broken = false
		for i, order := range orders {
			got, err := p.deliver(t, p.markOf(t, order))
			if err != nil || !slices.Equal(got.Delivered, names[i:i+1]) || p.holds("bankcard", order) != nil {
				t.Errorf("%s: %v, %v", order, got, err)
			}
		}
		if entries, err := os.ReadDir(filepath.Join(p.dir, "undelivered/IDA1/bankcard")); len(entries) != 0 {
			t.Errorf("%d marks are left, %v", len(entries), err)
		}
	})
}

// Where the mark cannot be written the order is not set aside: it would be lost.
func TestRefusedOrderWithoutAMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, simulator.Config{})
		if err := os.WriteFile(filepath.Join(p.dir, "undelivered"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := p.deliver(t, ckafka(bankcard("rejected1")))
		if err == nil || !strings.Contains(err.Error(), "IDA1/bankcard/rejected1 (write the mark: ") {
			t.Errorf("%v, %v", got, err)
		}
	})
}

// A webhook that the mark names is not configured any more: whoever replays the mark is
// told so, and a batch of the platform does not fail for it.
func TestMarkOfAWebhookThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, simulator.Config{})
		if _, err := p.deliver(t, ckafka(bankcard("order1"))); err != nil {
			t.Fatal(err)
		}
		const mark = `{"action":"deliver","type":"bankcard","order_no":"order1","app_id":"IDA1","webhooks":["host-00ff00"],"told":[]}`
		dir := filepath.Join(p.dir, "undelivered/IDA1/bankcard")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "order1.order"), []byte(mark), 0o600); err != nil {
			t.Fatal(err)
		}
		p.log.Take(t)
		got, err := p.deliver(t, ckafka(bankcard("order1")))
		if err != nil || !slices.Equal(got.Skipped, []string{"IDA1/bankcard/order1"}) {
			t.Errorf("%v, %v", got, err)
		}
		if log := p.log.Take(t); len(log) != 2 || !strings.Contains(fmt.Sprint(log[0]["error"]), "host-00ff00") || log[1]["level"] != "WARN" {
			t.Errorf("the log is %v", log)
		}
		if got, err := p.deliver(t, mark); err == nil || !strings.Contains(err.Error(), "host-00ff00") {
			t.Errorf("replayed: %v, %v", got, err)
		}
		if p.markOf(t, "order1") != mark {
			t.Errorf("the mark is %s", p.markOf(t, "order1"))
		}
	})
}
