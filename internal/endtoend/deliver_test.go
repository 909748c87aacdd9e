package endtoend

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/costest"
)

// TestDeliverEveryEvent brings an order by each kind of event, in the documents' spelling.
func TestDeliverEveryEvent(t *testing.T) {
	t.Parallel()
	o := startDeliveries(t, setting{})
	const bridge = `{"specversion":"1.0","id":"13a3f42d-7258-4ada-da6d-023a333b4662","type":"connector:ckafka","source":"ckafka.cloud.tencent",` +
		`"subject":"qcs::ckafka:ap-guangzhou:uin/1250000000:ckafkaId/uin/1250000000/ckafka-1","time":"1615430559146","region":"ap-guangzhou","datacontenttype":"application/json;charset=utf-8","data":%s}`
	message := func(order string) string { return `{"type":"bankcard","order_no":"` + order + `"}` }
	for i, c := range []struct{ kind, typ, event string }{
		{"CKafka", "bankcard", ckafkaEvent(message("order%d"))},
		{"EventBridge", "bankcard", fmt.Sprintf(bridge, message("order%d"))},
		{"EventList", "bankcard", `{"EventList":[` + fmt.Sprintf(bridge, message("order%d")) + `]}`},
		{"TDMQ", "bankcard", fmt.Sprintf(bridge, `{"topic":"t","tags":"","msgId":"1","msgBody":"{\"type\":\"bankcard\",\"order_no\":\"order%d\"}"}`)},
		{"COS", "idcard", `{"Records":[{"cos":{"cosSchemaVersion":"1.0","cosObject":{"url":"http://b-125.cos.ap-chengdu.myqcloud.com/path/idcard/order%d.json","meta":{"Content-Type":""},` +
			`"vid":"","key":"/1250000000/b/path/idcard/order%d.json","size":2},"cosBucket":{"region":"cd","name":"b","appid":"1250000000"},"cosNotificationId":"unkown"},` +
			`"event":{"eventName":"cos:ObjectCreated:Put","eventVersion":"1.0","eventTime":1545205770,"eventSource":"qcs::cos","requestParameters":{"requestSourceIP":"192.168.15.101"},"eventQueue":"qcs:0:scf:cd:appid/1:default.t.$LATEST","reservedInfo":"","reqid":1}}]}`},
		{"direct", "idcard", `{"action":"deliver","type":"idcard","order_no":"order%d","app_id":"` + firstApp + `"}`},
		{"odd answer", "idcard", `{"action":"deliver","type":"idcard","order_no":"odd%d"}`},
	} {
		order := fmt.Sprintf("order%d", i)
		if c.kind == "odd answer" {
			order = fmt.Sprintf("odd%d", i)
		}
		event := strings.ReplaceAll(c.event, "%d", fmt.Sprint(i))
		name := []string{firstApp + "/" + c.typ + "/" + order}
		if delivered, skipped, rejected, failed := o.deliver(event); failed != "" || !slices.Equal(delivered, name) || len(skipped)+len(rejected) > 0 {
			t.Errorf("%s: %q, %q, %q, %s", c.kind, delivered, skipped, rejected, failed)
		}
		o.expectDelivered(c.typ, order)
		_, asked := o.witness.count()
		if delivered, skipped, _, failed := o.deliver(event); failed != "" || len(delivered) > 0 || !slices.Equal(skipped, name) {
			t.Errorf("%s again: %q, %q, %s", c.kind, delivered, skipped, failed)
		}
		if _, now := o.witness.count(); now != asked || len(o.hook.about(firstApp, c.typ, order)) != 1 {
			t.Errorf("%s: what was done is done again", c.kind)
		}
	}
	if got := o.files("undelivered"); got != nil {
		t.Errorf("marks are left: %q", got)
	}
}

// TestDeliverKeepsTheDocument: but for the photos result.json is what the upstream sent.
func TestDeliverKeepsTheDocument(t *testing.T) {
	t.Parallel()
	const sent = "\r\n{ \"ratio\" : 1.50e+3,\"result\" : { \"originBankcardPhoto\" : \"\\/9j\\/\" ,\"future\":[1.0,-0.0], \"bankcardCropPhoto\":\"AAAA\", \"bankcardNoPhoto\":\"not Base64!\"},\n\"serial\":12345678901234567890, \"code\":\"0\"} \n"
	o := startDeliveries(t, setting{upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/oauth2/access_token":
			fmt.Fprint(w, `{"code":"0","access_token":"token-of-the-test","expire_in":"7200"}`)
		case "/api/oauth2/api_ticket":
			fmt.Fprint(w, `{"code":"0","tickets":[{"value":"ticket-of-the-test","expire_in":"3600"}]}`)
		default:
			fmt.Fprint(w, sent)
		}
	})})
	if _, _, _, failed := o.deliver(`{"action":"deliver","type":"bankcard","order_no":"order1"}`); failed != "" {
		t.Fatal(failed)
	}
	got := string(o.file(firstApp + "/bankcard/order1/result.json"))
	want := sent
	for text, photo := range map[string]struct{ field, bytes string }{
		`"\/9j\/"`: {"originBankcardPhoto", "\xff\xd8\xff"},
		`"AAAA"`:   {"bankcardCropPhoto", "\x00\x00\x00"},
	} {
		reference := fmt.Sprintf(`{"file":"%s.jpg","bytes":3,"sha256":"%x"}`, photo.field, sha256.Sum256([]byte(photo.bytes)))
		want = strings.Replace(want, text, reference, 1)
		if kept := string(o.file(firstApp + "/bankcard/order1/" + photo.field + ".jpg")); kept != photo.bytes {
			t.Errorf("%s is %q", photo.field, kept)
		}
	}
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if told := o.hook.about(firstApp, "bankcard", "order1"); len(told) != 1 || !strings.Contains(string(told[0].raw), got) {
		t.Errorf("told %q", told)
	}
}

// TestDeliverNeedsSinks: what is missing or wrong is said by name.
func TestDeliverNeedsSinks(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]map[string]string{
		"DELIVER_TO":     {"DELIVER_TO": ""},
		"DELIVER_SECRET": {"DELIVER_TO": "https://stray-canary.example/", "DELIVER_SECRET": "whsec_???"},
	} {
		w := open(t, transports[0], setting{env: env})
		for _, event := range []string{ckafkaEvent(`{"type":"bankcard","order_no":"order1"}`), `{"action":"deliver","type":"bankcard","order_no":"order1"}`} {
			result := w.invoke(event)
			if result.Error == nil || !contains(result.Error.Message, name) || !contains(result.Error.Message, "InternalError.Configuration") {
				t.Errorf("%s: %s, %+v", name, result.Payload, result.Error)
			}
		}
	}
}

// TestDeliverIntoItsOwnBucket: what the archive writes into the bucket that triggers it
// must not make the function write again.
func TestDeliverIntoItsOwnBucket(t *testing.T) {
	t.Parallel()
	o := startDeliveries(t, setting{})
	o.hook.setFails(func(m told) bool { return m.Data.OrderNo == "order2" })
	if _, _, _, failed := o.deliver(ckafkaEvent(`{"type":"bankcard","order_no":"order1"}`, `{"type":"bankcard","order_no":"order2"}`, `nonsense`)); failed == "" {
		t.Fatal("no error")
	}
	before := o.bucket.Load().Objects()
	for key := range before {
		event := `{"Records":[{"cos":{"cosObject":{"key":"/1250000000/evidence/` + key + `"}},"event":{"eventName":"cos:ObjectCreated:Put"}}]}`
		if delivered, skipped, rejected, failed := o.deliver(event); len(delivered)+len(skipped)+len(rejected) > 0 || failed != "" {
			t.Errorf("%s: %q, %q, %q, %s", key, delivered, skipped, rejected, failed)
		}
	}
	puts := func(objects map[string]costest.Object) (n int) {
		for _, object := range objects {
			n += object.Puts
		}
		return n
	}
	if was, is := puts(before), puts(o.bucket.Load().Objects()); was != is || len(o.files("")) == 0 {
		t.Errorf("%d writes became %d", was, is)
	}
	if _, err := os.Stat(filepath.Join(o.dir, "rejected")); err != nil {
		t.Error(err)
	}
}
