package endtoend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	goruntime "runtime"
	"strings"
	"testing"
	"time"
)

// tricks are requests that look like others. They go through HTTP clients and servers in
// front of the function as they are.
var tricks = group{name: "tricks", exchanges: []exchange{
	refused("an overlong slash", "/ocr/bankcard/a%c0%afb"),
	refused("an overlong dot", "/ocr/bankcard/%c0%ae%c0%ae"),
	refused("a fullwidth digit", "/ocr/bankcard/card%EF%BC%91"),
	refused("an Arabic digit", "/ocr/bankcard/card%D9%A1"),
	refused("a mathematical letter", "/ocr/bankcard/%F0%9D%92%B6"),
	refused("a letter with an accent apart", "/ocr/bankcard/cafe%CC%81"),
	refused("a zero-width space", "/ocr/bankcard/card%E2%80%8B1"),
	refused("NUL", "/ocr/bankcard/card1%00"),
	refused("a line break", "/ocr/bankcard/card1%0d%0aX-Injected:%20stray-canary"),
	refused("a slash encoded twice", "/ocr/bankcard/a%252Fb"),
	refused("a letter encoded twice", "/ocr/bankcard/%2563ard1"),
	refused("a dot segment in escapes", "/ocr/bankcard/%2e%2e"),
	refused("dot segments in escapes, with slashes", "/ocr/bankcard/%2e%2e%2f%2e%2e%2fhealthz"),
	refused("a fullwidth slash", "/ocr/bankcard/card1%EF%BC%8Fphotos"),
	refused("an overlong slash of three bytes", "/ocr/bankcard/a%e0%80%afb"),
	refused("an overlong letter", "/ocr/bankcard/%c1%a1"),
	refused("a Devanagari digit in a parameter", idPath+"?order_no=card%E0%A5%A7"),
	refused("an overlong letter in a parameter", bankPath+"?order_no=%c1%a1"),
	refused("a dot segment in a parameter", bankPath+"?order_no=../card1"),
	refused("a list in a parameter", bankPath+"?order_no=card1,card2"),
	refused("a second parameter in the path", bankPath+"?order_no=card1%3Forder_no%3Dstray"),
	refused("a backslash", "/ocr/bankcard/a%5Cb"),
	refused("a semicolon", "/ocr/bankcard/card1;stray-canary"),
	refused("a fullwidth digit in a parameter", bankPath+"?order_no=card%EF%BC%91"),
	refused("NUL in a parameter", bankPath+"?order_no=card1%00stray-canary"),
	refused("a line break in a parameter", bankPath+"?order_no=card1%0d%0aX-Injected:1"),
	refused("another name for the parameter", bankPath+"?order_no[]=card1"),
	refused("two parameters behind a semicolon", bankPath+"?order_no=card1;get_file=1"),
	{name: "an app with a parameter in it", target: "/ocr/bankcard/card1?app_id=" + firstApp + "%26secret=stray-canary", status: 400, code: "InvalidParameterValue.AppId", silent: true},
	{name: "dot segments in escapes before the type", target: "/ocr/%2e%2e/bankcard/card1", status: 404, code: "ResourceNotFound", silent: true},
	{name: "dot segments from a route to another", target: "/healthz/../ocr/bankcard/card1", status: 404, code: "ResourceNotFound", silent: true},
	{name: "dot segments behind a photo", target: "/ocr/bankcard/card1/photos/../../card2", status: 404, code: "ResourceNotFound", silent: true},
	{name: "another order in the query", target: "/ocr/bankcard/card3?order_no=stray&order_no[]=stray&Order_No=stray", status: 200, asks: 1},
	{name: "a flag twice in the query, once in escapes", target: "/ocr/bankcard/card1?get_file=1&get%5Ffile=0", status: 400, code: "InvalidParameterValue.Duplicate", silent: true},
	{name: "an app with a host in it", target: "/ocr/bankcard/card1?app_id=@stray-canary.example/", status: 400, code: "InvalidParameterValue.AppId", silent: true},
	{name: "a photo with another extension", target: "/ocr/bankcard/card1/photos/bankcardCropPhoto%00.jpg", status: 404, code: "ResourceNotFound", silent: true},
	{name: "a photo beyond a dot segment", target: "/ocr/bankcard/card1/photos/..%2fbankcardCropPhoto", status: 404, code: "ResourceNotFound", silent: true},
	{name: "the upstream's host", target: "/ocr/bankcard/card1?host=stray-canary.example&url=http://stray-canary.example&base_url=x", status: 200, asks: 1},
	{name: "headers that choose hosts and methods", target: "/ocr/bankcard/card2", status: 200, asks: 1, header: http.Header{
		"Authorization": {"Bearer " + aliceToken}, "X-Forwarded-Host": {"stray-canary.example"}, "Forwarded": {"host=stray-canary.example"},
		"X-Http-Method-Override": {"POST"}, "X-Original-Url": {"/healthz"}, "X-Rewrite-Url": {"/healthz"}}},
}}

func refused(name, target string) exchange {
	return exchange{name: name, target: target, status: 400, code: "InvalidParameterValue.OrderNo", silent: true}
}

func TestTricks(t *testing.T) {
	t.Parallel()
	throughThese(t, faultTransports, tricks.run)
}

// platformEvent is a request as an event, with members in front that say otherwise.
func platformEvent(more string) string {
	return `{` + more + `"httpMethod":"GET","path":"/ocr/bankcard/card1","headers":{"authorization":"Bearer ` + aliceToken + `"},"queryString":{}}`
}

// pollution has what HTTP cannot say, and JSON can.
var pollution = []struct {
	name, event string
	status      int
	asks        int
}{
	{"nothing in front", platformEvent(""), 200, 1},
	{"members twice, of which the last counts", platformEvent(`"httpMethod":"POST","path":"/healthz","queryString":{"order_no":"stray-canary"},`), 200, 1},
	{"a name twice", `{"httpMethod":"GET","path":"` + bankPath + `","headers":{"authorization":"Bearer ` + aliceToken + `"},"queryString":{"order_no":"card1","order_no":"stray"}}`, 400, 0},
	{"a name twice, once in escapes", `{"httpMethod":"GET","path":"` + bankPath + `","headers":{"authorization":"Bearer ` + aliceToken + `"},"queryString":{"order_no":"card1","\u006frder_no":"stray"}}`, 400, 0},
	{"a list of one and a value", `{"httpMethod":"GET","path":"` + bankPath + `","headers":{"authorization":"Bearer ` + aliceToken + `"},"queryString":{"order_no":["card1"],"order_no":"card1"}}`, 400, 0},
	{"an object for a value", `{"httpMethod":"GET","path":"` + bankPath + `","headers":{"authorization":"Bearer ` + aliceToken + `"},"queryString":{"order_no":{"$ne":""}}}`, 400, 0},
	{"two queries, of which the second is empty", `{"httpMethod":"GET","path":"` + bankPath + `","headers":{"authorization":"Bearer ` + aliceToken + `"},"queryString":{"order_no":"card1"},"queryStringParameters":{"order_no":"stray"}}`, 200, 1},
	{"a token twice", `{"httpMethod":"GET","path":"/ocr/bankcard/card1","headers":{"authorization":"Bearer ` + aliceToken + `","Authorization":"Bearer ` + aliceToken + `"}}`, 401, 0},
	{"a list of tokens", `{"httpMethod":"GET","path":"/ocr/bankcard/card1","headers":{"authorization":["Bearer ` + aliceToken + `","Bearer x"]}}`, 401, 0},
	{"a line break in a token", `{"httpMethod":"GET","path":"/ocr/bankcard/card1","headers":{"authorization":"Bearer ` + aliceToken + `\r\nX: stray-canary"}}`, 401, 0},
	{"a header that is none", `{"httpMethod":"GET","path":"/ocr/bankcard/card1","headers":["authorization"]}`, 401, 0},
	{"a request id with a line break", `{"requestContext":{"requestId":"a\r\nX-Injected: stray-canary"},` + platformEvent("")[1:], 200, 1},
	{"a path with half a pair", `{"httpMethod":"GET","path":"/ocr/bankcard/\ud800","headers":{"authorization":"Bearer ` + aliceToken + `"}}`, 400, 0},
	{"a path with a query in it", `{"httpMethod":"GET","path":"` + bankPath + `?order_no=stray","headers":{"authorization":"Bearer ` + aliceToken + `"},"queryString":{"order_no":"card1"}}`, 404, 0},
	{"a list of flags", `{"httpMethod":"GET","path":"/ocr/bankcard/card1","headers":{"authorization":"Bearer ` + aliceToken + `"},"queryString":{"get_file":["1","0"]}}`, 400, 0},
	{"a list of apps", `{"httpMethod":"GET","path":"/ocr/bankcard/card1","headers":{"authorization":"Bearer ` + aliceToken + `"},"queryString":{"app_id":["` + firstApp + `","stray"]}}`, 400, 0},
	{"a list in a list", `{"httpMethod":"GET","path":"` + bankPath + `","headers":{"authorization":"Bearer ` + aliceToken + `"},"queryString":{"order_no":[["card1"]]}}`, 400, 0},
	{"a fullwidth digit", `{"httpMethod":"GET","path":"` + bankPath + `","headers":{"authorization":"Bearer ` + aliceToken + `"},"queryString":{"order_no":"card\uff11"}}`, 400, 0},
	{"an overlong slash", "{\"httpMethod\":\"GET\",\"path\":\"/ocr/bankcard/a\xc0\xafb\",\"headers\":{\"authorization\":\"Bearer " + aliceToken + "\"}}", 400, 0},
	{"dot segments", `{"httpMethod":"GET","path":"/healthz/../ocr/bankcard/card1","headers":{"authorization":"Bearer ` + aliceToken + `"}}`, 404, 0},
	{"a path that is none", `{"httpMethod":"GET","path":{"a":1},"headers":{"authorization":"Bearer ` + aliceToken + `"}}`, 404, 0},
	{"a method that is none", `{"httpMethod":["GET"],"path":"/ocr/bankcard/card1","headers":{"authorization":"Bearer ` + aliceToken + `"}}`, 405, 0},
}

func TestPollutedEvents(t *testing.T) {
	t.Parallel()
	w := open(t, transports[2], setting{})
	for _, p := range pollution {
		_, before := w.witness.count()
		result := w.invoke(p.event)
		if result.Error != nil {
			t.Errorf("%s: %s", p.name, result.Error.Message)
			continue
		}
		var response struct {
			StatusCode int
			Headers    map[string]string
			Body       string
		}
		if err := json.Unmarshal(result.Payload, &response); err != nil || response.StatusCode != p.status {
			t.Errorf("%s: status %d, want %d: %s, %v", p.name, response.StatusCode, p.status, result.Payload, err)
		}
		if response.Headers["X-Request-Id"] != result.RequestID {
			t.Errorf("%s: request id %q", p.name, response.Headers["X-Request-Id"])
		}
		if strings.Contains(response.Body, "stray") {
			t.Errorf("%s: %s", p.name, response.Body)
		}
		if _, after := w.witness.count(); after-before != p.asks {
			t.Errorf("%s: %d queries, want %d", p.name, after-before, p.asks)
		}
	}
}

// hostile are direct invocations and messages whose order numbers are made to be something else.
var hostile = []struct{ name, order string }{
	{"a fullwidth digit", `"card\uff11"`}, {"an Arabic digit", `"card\u0661"`}, {"a zero-width space", `"card\u200b1"`}, {"overlong", "\"a\xc0\xafb\""},
	{"half a surrogate", `"card\ud800"`}, {"NUL", `"card1\u0000"`}, {"a line break", `"card1\r\nX-Injected: stray"`}, {"a parameter", `"card1&app_id=stray"`},
	{"dot segments", `"../../stray"`}, {"a slash in escapes", `"a%2fb"`}, {"a list", `["card1"]`}, {"an object", `{"$ne":""}`}, {"a number", `12345678`}, {"null", `null`},
	{"33 letters", `"` + strings.Repeat("a", 33) + `"`}, {"members twice, of which the last counts", `"card1","order_no":"stray-canary"`},
}

// hashed is the name of a rejected message.
var hashed = regexp.MustCompile(`^rejected/[0-9a-f]{24}\.json$`)

func TestHostileInvocations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, transports[2], setting{env: map[string]string{"DELIVER_TO": "file://" + dir}})
	for _, h := range hostile {
		for _, action := range []string{"query", "deliver"} {
			result := w.invoke(`{"action":"` + action + `","type":"bankcard","order_no":` + h.order + `}`)
			if result.Error == nil {
				t.Errorf("%s, %s: %s", h.name, action, result.Payload)
				continue
			}
			checkErrorBody(t, []byte(result.Error.Message), "InvalidParameterValue.OrderNo", result.RequestID)
		}
		// A message is kept, under a name that is none of its own.
		result := w.invoke(`{"Records":[{"Ckafka":{"msgBody":{"type":"bankcard","order_no":` + h.order + `}}}]}`)
		var d struct{ Delivered, Skipped, Rejected []string }
		if err := json.Unmarshal(result.Payload, &d); err != nil || len(d.Rejected) != 1 || len(d.Delivered) != 0 || !hashed.MatchString(d.Rejected[0]) {
			t.Errorf("%s: %s, %+v", h.name, result.Payload, result.Error)
		}
	}
	if calls, _ := w.witness.count(); calls != 0 {
		t.Errorf("%d calls of the upstream", calls)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || files[0].Name() != "rejected" {
		t.Errorf("%v, %v", files, err)
	}
}

// most is how much a text of the platform's limit leaves for repetitions of a part.
func most(head, part, tail string) string {
	return head + strings.Repeat(part, (5<<20)/len(part)) + tail
}

// bombs are events of 5 MB that are made to be dear.
var bombs = []struct{ name, event string }{
	{"brackets", most("", "[", "")},
	{"braces", most("", `{"a":`, "")},
	{"brackets behind a key", most(`{"stray-canary":`, "[", "}")},
	{"balanced ones", `{"Records":` + strings.Repeat("[", 2<<20) + strings.Repeat("]", 2<<20) + "}"},
	{"records of nothing", most(`{"Records":[`, "{},", `{}]}`)},
	{"records of numbers", most(`{"Records":[`, "0,", `0]}`)},
	{"events of nulls", most(`{"EventList":[`, "null,", `null]}`)},
	{"a record with a nest", `{"Records":[{"Ckafka":{"msgBody":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}}]}`},
	{"a nest for headers", `{"httpMethod":"GET","path":"/healthz","headers":` + strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000) + "}"},
	{"a list for a parameter", most(`{"httpMethod":"GET","path":"/healthz","queryString":{"a":[`, "1,", `1]}}`)},
	{"parameters without number", most(`{"httpMethod":"GET","path":"/healthz","queryString":{`, `"":1,`, `"":1}}`)},
	{"headers without number", most(`{"httpMethod":"GET","path":"/healthz","headers":{`, `"":"",`, `"":""}}`)},
	{"a query of ampersands", most(`{"httpMethod":"GET","path":"/healthz","queryString":"`, "a&", `"}`)},
	{"a path of slashes", most(`{"httpMethod":"GET","path":"/ocr/`, "/", `"}`)},
	{"a path of escapes", most(`{"httpMethod":"GET","path":"/ocr/bankcard/`, `\u002f`, `"}`)},
	{"a body", most(`{"httpMethod":"GET","path":"/healthz","body":"`, "stray-canary", `"}`)},
	{"keys without number", `{` + manyKeys() + `"stray":0}`},
	{"one long key", most(`{"`, "k", `":0}`)},
	{"a number of five million digits", most(`{"action":`, "9", `}`)},
	{"a long order number", most(`{"order_no":"`, "9", `"}`)},
}

func manyKeys() string {
	var b strings.Builder
	for i := 0; b.Len() < 5<<20; i++ {
		fmt.Fprintf(&b, `"%d":0,`, i)
	}
	return b.String()
}

// TestJSONBombs has each go off within bounds of time and memory, and says what the
// function makes of it.
func TestJSONBombs(t *testing.T) {
	t.Parallel()
	for _, b := range bombs {
		t.Run(b.name, func(t *testing.T) {
			w := open(t, transports[2], setting{env: map[string]string{"DELIVER_TO": "file://" + t.TempDir()}})
			begin := time.Now()
			result := w.invoke(b.event)
			took := time.Since(begin)
			said := string(result.Payload)
			if result.Error != nil {
				said = result.Error.Message
			}
			if len(said) > 2000 || strings.Contains(said, "stray-canary-") {
				t.Errorf("%d bytes: %.300s", len(said), said)
			}
			if took > 10*time.Second {
				t.Errorf("took %v", took)
			}
			if goruntime.GOOS == "linux" {
				mb := peak(t, w.event.Process()) >> 20
				t.Logf("%v, %d MB: %.120s", took.Round(time.Millisecond), mb, said)
				if mb > mostMemory>>20 {
					t.Errorf("peak of %d MB", mb)
				}
			}
			if a := w.get("/ocr/bankcard/afterwards"); a.status != 200 {
				t.Errorf("status %d afterwards", a.status)
			}
		})
	}
}
