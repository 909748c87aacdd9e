package order_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"kyc-ocr-relay/internal/order"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/upstream"
)

// read returns the query that a message asks for.
func read(r *relay.Relay, m order.Message) (upstream.Query, error) {
	o, err := m.Order(r.DefaultApp)
	if err != nil {
		return upstream.Query{}, err
	}
	return r.Named(o)
}

// said is what was found in an event: an order, or the reason why there is none.
func said(payload string) (found []string, ok bool) {
	r := relay.New(relay.Config{Apps: []string{"IDA1", "IDA2"}, DefaultApp: "IDA1"})
	list, ok := order.Decode([]byte(payload))
	for _, m := range list {
		if m.Foreign {
			found = append(found, "foreign")
			continue
		}
		q, err := read(r, m)
		if err != nil {
			found = append(found, m.Kind+": "+err.Error())
			continue
		}
		found = append(found, fmt.Sprintf("%s: %s/%s/%s", m.Kind, q.AppID, q.Type, q.OrderNo))
	}
	return found, ok
}

func TestRecords(t *testing.T) {
	const message, text = `{"type":"bankcard","order_no":"o1"}`, `"{\"type\":\"bankcard\",\"order_no\":\"o1\"}"`
	kafka := func(body string) string {
		return `{"Records":[{"Ckafka":{"topic":"t","partition":1,"offset":36,"msgKey":"None","msgBody":` + body + `}}]}`
	}
	cos := func(key, event string) string {
		return `{"Records":[{"cos":{"cosSchemaVersion":"1.0","cosObject":{"url":"http://b-125.cos.ap-chengdu.myqcloud.com/x","meta":{"Content-Type":""},"vid":"","key":"` + key +
			`","size":1029},"cosBucket":{"region":"cd","name":"b","appid":"125"},"cosNotificationId":"unkown"},"event":{"eventName":"` + event + `","eventVersion":"1.0","eventTime":1545205770,"eventSource":"qcs::cos"}}]}`
	}
	bridge := func(data string) string {
		return `{"specversion":"1.0","id":"13a3f42d","type":"ckafka:message","source":"ckafka.cloud.tencent","subject":"qcs::x","time":"1615430559146","region":"ap-guangzhou","datacontenttype":"application/json;charset=utf-8","data":` + data + `}`
	}
	const created = "cos:ObjectCreated:Put"
	for _, c := range []struct{ event, want string }{
		{kafka(text), "ckafka: IDA1/bankcard/o1"},
		{kafka(message), "ckafka: IDA1/bankcard/o1"},
		{strings.Replace(kafka(text), "Ckafka", "CKafka", 1), "ckafka: IDA1/bankcard/o1"},
		{strings.ToLower(kafka(text)), "ckafka: IDA1/bankcard/o1"},
		{kafka(`"{\"type\":\"idcard\",\"order_no\":\"o1\",\"app_id\":\"IDA2\",\"more\":[1]}"`), "ckafka: IDA2/idcard/o1"},
		{kafka(`""`), "ckafka: not a JSON object"},
		{kafka(`"null"`), "ckafka: not a JSON object"},
		{kafka(`"[]"`), "ckafka: not a JSON object"},
		{kafka(`"{} {}"`), "ckafka: not a JSON object"},
		{kafka(`null`), "ckafka: no message"},
		{kafka(`1`), "ckafka: not a JSON object"},
		{kafka(`{"type":"driver","order_no":"o1"}`), "ckafka: type must be bankcard, idcard or face"},
		{kafka(`{"type":["bankcard"],"order_no":"o1"}`), "ckafka: type must be bankcard, idcard or face"},
		{kafka(`{"order_no":"o1"}`), "ckafka: type must be bankcard, idcard or face"},
		{kafka(`{"Type":"bankcard","order_no":"o1"}`), "ckafka: type must be bankcard, idcard or face"},
		{kafka(`{"type":"bankcard"}`), "ckafka: " + relay.ErrOrderNo.Error()},
		{kafka(`{"type":"bankcard","order_no":1}`), "ckafka: " + relay.ErrOrderNo.Error()},
		{kafka(`{"type":"bankcard","order_no":"../o1"}`), "ckafka: " + relay.ErrOrderNo.Error()},
		{kafka(`{"type":"bankcard","order_no":"o1","app_id":"IDA3"}`), "ckafka: " + relay.ErrAppID.Error()},
		{kafka(`{"type":"bankcard","order_no":"o1","app_id":1}`), "ckafka: " + relay.ErrAppID.Error()},
		{kafka(`{"type":"bankcard","order_no":"o1","app_id":[]}`), "ckafka: " + relay.ErrAppID.Error()},
		{kafka(`{"type":"bankcard","order_no":"o1","app_id":" "}`), "ckafka: " + relay.ErrAppID.Error()},
		{kafka(`{"type":null,"order_no":"o1"}`), "ckafka: type must be bankcard, idcard or face"},
		{kafka(`{"type":"bankcard","order_no":""}`), "ckafka: " + relay.ErrOrderNo.Error()},
		{`{"Records":[]}`, ""},
		{`{"Records":[{"Ckafka":{"msgBody":` + text + `}},{"what":1},"x",{"CKafka":null}]}`,
			"ckafka: IDA1/bankcard/o1, eventbridge: an element of an unknown kind, eventbridge: an element of an unknown kind, eventbridge: an element of an unknown kind"},

		{cos("/125/b/path/bankcard/o1.json", created), "cos: IDA1/bankcard/o1"},
		{cos("/125/b/idcard/o1.json", "cos:ObjectCreated:*"), "cos: IDA1/idcard/o1"},
		{cos("bankcard/o1.json", "cos:ObjectCreated:CompleteMultipartUpload"), "cos: IDA1/bankcard/o1"},
		{cos("%2F125%2Fb%2Fa%20b%2Fbankcard%2Fo1.json", created), "cos: IDA1/bankcard/o1"},
		{cos("/125/b/driver/o1.json", created), "cos: type must be bankcard, idcard or face"},
		{cos("/125/b/bankcard/o-1.json", created), "cos: " + relay.ErrOrderNo.Error()},
		{cos("/125/b/bankcard/o1.json", "cos:ObjectRemove:Delete"), "foreign"},
		{cos("/125/b/bankcard/o1.txt", created), "foreign"},
		{cos("o1.json", created), "foreign"},
		// What an archive in the same bucket writes.
		{cos("/125/b/kyc/IDA1/bankcard/o1/result.json", created), "foreign"},
		{cos("/125/b/kyc/IDA1/bankcard/o1/originBankcardPhoto.jpg", created), "foreign"},
		{cos("/125/b/kyc/rejected/00ff.json", created), "foreign"},
		{cos("/125/b/kyc/undelivered/IDA1/bankcard/o1.order", created), "foreign"},

		{bridge(message), "eventbridge: IDA1/bankcard/o1"},
		{bridge(text), "eventbridge: IDA1/bankcard/o1"},
		{bridge(`{"msgId":"1","topic":"t","tags":"","msgBody":` + text + `}`), "eventbridge: IDA1/bankcard/o1"},
		{bridge(`{"msgBody":` + message + `}`), "eventbridge: IDA1/bankcard/o1"},
		{bridge(`{"cos":{"cosObject":{"key":"a/bankcard/o1.json"}},"event":{"eventName":"` + created + `"}}`), "cos: IDA1/bankcard/o1"},
		{bridge(`null`), "eventbridge: no message"},
		{bridge(`{}`), "eventbridge: type must be bankcard, idcard or face"},
		{`{"specversion":"1.0","id":"1"}`, "eventbridge: no message"},
		{`{"SpecVersion":"1.0","data_base64":"eyJ0eXBlIjoiYmFua2NhcmQiLCJvcmRlcl9ubyI6Im8xIn0="}`, "eventbridge: IDA1/bankcard/o1"},
		{`{"specversion":"1.0","data_base64":"?"}`, "eventbridge: data_base64 is not Base64"},
		{`{"EventList":[` + bridge(message) + `,` + bridge(`"x"`) + `]}`, "eventbridge: IDA1/bankcard/o1, eventbridge: not a JSON object"},
	} {
		found, ok := said(c.event)
		if got := strings.Join(found, ", "); !ok || got != c.want {
			t.Errorf("%s\ngot  %s, %t\nwant %s", c.event, got, ok, c.want)
		}
	}
}

// Serializers write null or "" for an app that is not set.
func TestUnsetAppIsLeftOut(t *testing.T) {
	for _, unset := range []string{`null`, `""`, ` null`, "\t\"\" "} {
		order := `{"type":"bankcard","order_no":"o1","app_id":` + unset + `}`
		text, err := json.Marshal(order)
		if err != nil {
			t.Fatal(err)
		}
		const bridge = `{"specversion":"1.0","id":"1","source":"s","data`
		for event, want := range map[string]string{
			`{"Records":[{"Ckafka":{"msgBody":` + string(text) + `}}]}`:                            "ckafka: IDA1/bankcard/o1",
			`{"Records":[{"Ckafka":{"msgBody":` + order + `}}]}`:                                   "ckafka: IDA1/bankcard/o1",
			bridge + `":` + order + `}`:                                                            "eventbridge: IDA1/bankcard/o1",
			bridge + `":{"msgBody":` + string(text) + `}}`:                                         "eventbridge: IDA1/bankcard/o1",
			bridge + `_base64":"` + base64.StdEncoding.EncodeToString([]byte(order)) + `"}`:        "eventbridge: IDA1/bankcard/o1",
			`{"EventList":[` + bridge + `":` + string(text) + `},` + bridge + `":` + order + `}]}`: "eventbridge: IDA1/bankcard/o1, eventbridge: IDA1/bankcard/o1",
		} {
			if found, ok := said(event); !ok || strings.Join(found, ", ") != want {
				t.Errorf("%s: %q", event, found)
			}
		}
	}
	// Of several apps without a first one, each order has to say which.
	r := relay.New(relay.Config{Apps: []string{"IDA1", "IDA2"}})
	if _, err := read(r, order.Message{Kind: order.CKafka, Text: `{"type":"bankcard","order_no":"o1","app_id":null}`}); err != relay.ErrAppID {
		t.Errorf("without an app among several: %v", err)
	}
}

func TestUnknownRecords(t *testing.T) {
	for _, event := range []string{
		`{}`, `{"Records":null}`, `{"Records":"x"}`, `{"Records":{}}`, `{"Records":[{}]}`, `{"Records":[1,{"CMQ":{}}]}`, `{"EventList":[{"data":{}}]}`,
		`{"data":{"type":"bankcard","order_no":"o1"}}`, `{"id":1,"data":{}}`, `{"type":"bankcard"}`,
	} {
		if found, ok := said(event); ok {
			t.Errorf("%s: %q", event, found)
		}
	}
}

// FuzzRecords holds the decoder to what encoding/json makes of the documented forms:
// where they have a good order message, it is found; and nothing else is. An order that is
// found, in whatever form, is in the event and fit to be asked for.
func FuzzRecords(f *testing.F) {
	f.Fuzz(func(t *testing.T, payload string) {
		if !json.Valid([]byte(payload)) || !utf8.ValidString(payload) {
			t.Skip("refused before")
		}
		found, ok := said(payload)
		checkInvention(t, payload, found, ok)
		type element struct{ Ckafka *struct{ MsgBody *string } }
		var exact struct{ Records, EventList []element }
		if json.Unmarshal([]byte(payload), &exact) != nil {
			return
		}
		if exact.Records == nil {
			exact.Records = exact.EventList
		}
		var want []string
		for _, r := range exact.Records {
			if r.Ckafka == nil || r.Ckafka.MsgBody == nil {
				continue
			}
			fields := map[string]any{}
			if json.Unmarshal([]byte(*r.Ckafka.MsgBody), &fields) != nil {
				continue
			}
			app := fields["app_id"]
			if app == nil || app == "" { // left out
				app = "IDA1"
			}
			order, _ := fields["order_no"].(string)
			if typ := fields["type"]; (typ == "bankcard" || typ == "idcard") && (app == "IDA1" || app == "IDA2") && isPlainOrder(order) {
				want = append(want, fmt.Sprintf("ckafka: %s/%s/%s", app, typ, order))
			}
		}
		got := slices.DeleteFunc(found, func(s string) bool { return !strings.HasPrefix(s, "ckafka: IDA") })
		if !slices.Equal(got, want) {
			t.Errorf("%s\ngot  %q\nwant %q", payload, got, want)
		}
	})
}

// checkInvention looks for each order that was found in the text of the event.
func checkInvention(t *testing.T, payload string, found []string, ok bool) {
	t.Helper()
	var whole strings.Builder
	readable(&whole, payload, 5)
	for _, f := range found {
		kind, said, _ := strings.Cut(f, ": ")
		parts := strings.Split(said, "/")
		if f == "foreign" || len(parts) != 3 || !strings.HasPrefix(said, "IDA") {
			continue // a reason
		}
		if !ok {
			t.Errorf("%s: %s in an unknown event", payload, f)
		}
		if !slices.Contains([]string{order.CKafka, order.EventBridge, order.COS}, kind) || parts[0] != "IDA1" && parts[0] != "IDA2" ||
			parts[1] != "bankcard" && parts[1] != "idcard" || !isPlainOrder(parts[2]) {
			t.Errorf("%s: found %s", payload, f)
		}
		for _, part := range parts[1:] {
			if !strings.Contains(whole.String(), part) {
				t.Errorf("%s: %q of %s is not in it", payload, part, f)
			}
		}
	}
}

// readable writes every text that a reader of JSON, of a URL and of Base64 finds in text.
func readable(b *strings.Builder, text string, deep int) {
	b.WriteString(text)
	b.WriteByte('\n')
	if deep == 0 {
		return
	}
	if decoded, err := url.PathUnescape(text); err == nil && decoded != text {
		readable(b, decoded, deep-1)
	}
	if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
		readable(b, string(decoded), deep-1)
	}
	d := json.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if err != nil {
			return
		}
		if s, ok := token.(string); ok && s != text {
			readable(b, s, deep-1)
		}
	}
}

// isPlainOrder says in another way what an order number is.
func isPlainOrder(s string) bool {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return s != "" && len(s) <= 32 && strings.Trim(s, plain) == ""
}
