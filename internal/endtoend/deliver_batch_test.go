package endtoend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"kyc-ocr-relay/internal/gateway"
)

// TestDeliverBatch is a batch of 100 with everything in it, and the platform's retry.
func TestDeliverBatch(t *testing.T) {
	t.Parallel()
	const limit = 60 // seconds, with the load of other tests
	o := startDeliveries(t, setting{runtime: gateway.Config{TimeLimit: limit * time.Second}})
	messages, orders := []string{}, map[string][]string{}
	add := func(prefix string, n int) {
		for i := range n {
			order := fmt.Sprintf("%sbatch%d", prefix, i)
			orders[prefix] = append(orders[prefix], order)
			messages = append(messages, `{"type":"bankcard","order_no":"`+order+`"}`)
		}
	}
	add("notfound", 5) // first, so that they are in everybody's way
	add("cosfail", 5)
	add("", 40)
	add("late", 10)
	add("emptycrop", 5)
	add("blurred", 5)
	add("hookfail", 5)
	add("transient", 5)
	for i := range 8 {
		messages = append(messages, fmt.Sprintf(`{"type":"bankcard","order_no":"malformed-%d"}`, i))
	}
	messages = append(messages, messages[80], messages[87]) // malformed ones again
	messages = append(messages, messages[10:20]...)         // good ones again
	event := ckafkaEvent(messages...)

	cosFails := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/cosfail") {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	o.bucket.Load().Intercept(cosFails)
	o.hook.setFails(func(m told) bool { return strings.HasPrefix(m.Data.OrderNo, "hookfail") })

	_, _, _, failed := o.deliver(event)
	var named []string
	for _, prefix := range []string{"notfound", "cosfail", "hookfail"} {
		named = append(named, orders[prefix]...)
	}
	if !strings.HasPrefix(failed, fmt.Sprintf("deliver: 15 of %d records have to be tried again: ", len(messages))) {
		t.Errorf("the error is %s", failed)
	}
	for _, list := range orders {
		for _, order := range list {
			if got, want := strings.Count(failed, "/"+order+" ("), len(slices.DeleteFunc(slices.Clone(named), func(s string) bool { return s != order })); got != want {
				t.Errorf("the error names %s %d times, want %d", order, got, want)
			}
		}
	}
	o.expectLog(1, map[string]any{"event": "ckafka", "records": 100, "delivered": 65, "skipped": 12, "rejected": 8, "ignored": 0, "failed": 15, "level": "WARN"})
	if got := strings.Count(o.log.String(), `"msg":"delivery failed"`); got != 15 { // before the line of the invocation
		t.Errorf("%d lines of failures", got)
	}
	for _, prefix := range []string{"", "late", "emptycrop", "blurred", "transient"} {
		for _, order := range orders[prefix] {
			o.expectDelivered("bankcard", order)
			if got := len(o.hook.about(firstApp, "bankcard", order)); got != 1 {
				t.Errorf("%s was told %d times", order, got)
			}
		}
	}
	object := o.object()
	for _, c := range []struct {
		prefix          string
		file, cos, told bool
	}{{"notfound", false, false, false}, {"cosfail", true, false, true}, {"hookfail", true, true, false}} {
		for _, order := range orders[c.prefix] {
			inFile, fileErr := o.whole(o.file, "bankcard", order)
			inCOS, cosErr := o.whole(object, "bankcard", order)
			told := len(o.hook.about(firstApp, "bankcard", order)) > 0
			if inFile != c.file || inCOS != c.cos || told != c.told || fileErr != nil || cosErr != nil {
				t.Errorf("%s: file %t %v, COS %t %v, told %t", order, inFile, fileErr, inCOS, cosErr, told)
			}
			if mark := o.file("undelivered/" + firstApp + "/bankcard/" + order + ".order"); !strings.Contains(string(mark), `"action":"deliver"`) {
				t.Errorf("%s: the mark is %q", order, mark)
			}
		}
	}
	if got := o.files("undelivered"); len(got) != 15 {
		t.Errorf("marks: %q", got)
	}
	o.expectRejected(8, 8)

	// The platform retries the whole batch; everything works now, but for the missing results.
	o.bucket.Load().Intercept(nil)
	o.hook.setFails(func(told) bool { return false })
	// A mark is the invocation that makes it good.
	_, asked := o.witness.count()
	again := orders["hookfail"][0]
	mark := o.file("undelivered/" + firstApp + "/bankcard/" + again + ".order")
	if delivered, _, _, failed := o.deliver(string(mark)); !slices.Equal(delivered, []string{firstApp + "/bankcard/" + again}) {
		t.Errorf("upon the mark: %q, %s", delivered, failed)
	}
	if _, _, _, failed = o.deliver(event); !strings.HasPrefix(failed, "deliver: 5 of 100 ") {
		t.Errorf("the error is %s", failed)
	}
	o.expectLog(3, map[string]any{"records": 100, "delivered": 9, "skipped": 78, "rejected": 8, "failed": 5})
	for _, prefix := range []string{"cosfail", "hookfail"} {
		for _, order := range orders[prefix] {
			o.expectDelivered("bankcard", order)
			if got := len(o.hook.about(firstApp, "bankcard", order)); got != 1 {
				t.Errorf("%s was told %d times", order, got)
			}
		}
	}
	// Five results that only COS missed, and those that are not there, once a second: nobody else is asked for.
	if _, now := o.witness.count(); now-asked > 5+5*limit {
		t.Errorf("%d queries for what was missing", now-asked)
	}
	if got := o.files("undelivered"); len(got) != 5 {
		t.Errorf("marks: %q", got)
	}
	o.expectRejected(8, 16)
}

// expectRejected wants that many messages kept in both archives, and told of.
func (o *deliveries) expectRejected(kept, told int) {
	o.t.Helper()
	objects := 0
	for key := range o.bucket.Load().Objects() {
		if strings.HasPrefix(key, archiveKeys+"rejected/") {
			objects++
		}
	}
	files := o.files("rejected")
	if len(files) != kept || objects != kept || o.hook.count(rejectedHook) != told {
		o.t.Errorf("%d files, %d objects, %d messages", len(files), objects, o.hook.count(rejectedHook))
	}
	for _, name := range files {
		var r struct{ Message, Reason, Event string }
		if err := json.Unmarshal(o.file("rejected/"+name), &r); err != nil || !strings.Contains(r.Message, "malformed-") || !strings.Contains(r.Reason, "order_no") || r.Event != "ckafka" {
			o.t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

// expectLog wants these fields in the line of the nth delivery. The log comes through a
// pipe: it may be a little late.
func (o *deliveries) expectLog(nth int, want map[string]any) {
	o.t.Helper()
	var lines []map[string]any
	for deadline := time.Now().Add(5 * time.Second); len(lines) < nth && time.Now().Before(deadline); {
		lines = nil
		<-time.After(time.Millisecond)
		for line := range strings.Lines(o.log.String()) {
			var fields map[string]any
			if json.Unmarshal([]byte(line), &fields) == nil && fields["msg"] == "deliver" {
				lines = append(lines, fields)
			}
		}
	}
	if len(lines) != nth {
		o.t.Fatalf("%d lines of deliveries, want %d", len(lines), nth)
	}
	for name, value := range want {
		if last := lines[nth-1]; fmt.Sprint(last[name]) != fmt.Sprint(value) {
			o.t.Errorf("%s is %v, want %v, in %v", name, last[name], value, last)
		}
	}
}
