package endtoend

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/simulator"
)

// documents are answers that a careless relay changes, by the order number that gets them.
var documents = map[string]string{
	"plainobject":  `{"code":"0","msg":"请求成功","result":{"bankCardNo":"6222020903001483077"}}`,
	"oddorder":     `{"zz":1,"result":{"success":false,"b":2,"a":1},"msg":"","code":"0","aa":[]}`,
	"unknown":      `{"code":"0","future":{"deep":[[[{"x":null}]]]},"result":{"新":true}}`,
	"escapes":      `{"code":"\u0030","msg":"\u8bf7\u6C42 \/ \" \\ \b\f\n\r\t \ud83d\ude00 \ud83d","result":{"a\u002Fb":"\u0000\u001f\u007f"}}`,
	"numbers":      `{"code":0,"result":{"n":[12345678901234567890,1.0,-0,-0.0,1E400,1e-400,0.10]}}`,
	"codenegative": `{"code":-9011,"msg":"x"}`,
	"white":        " \t{ \"code\"\n:\r\n\"0\"\t,\n\n  \"result\" : { }\n } ",
	"newlines":     "\r\n\n{\"code\":\"0\"}\n\n\r\n",
	"separators":   "{\"code\":\"0\",\"msg\":\"\u2028\u2029\u0085\u00a0\ufeff\"}",
	"emoji":        `{"code":"0","msg":"👩‍👩‍👧 🏳️‍🌈 𝕏 卡"}`,
	"markup":       `{"code":"0","msg":"<script>&amp;'</script>"}`,
	"twice":        `{"code":"1","code":"0","result":{"a":1,"a":2}}`,
	"twicecode":    `{"code":"0","result":{},"code":"66660020"}`,
	"nested":       `{"result":{"code":"400101"},"list":[{"code":"999999"}],"code":"0"}`,
	"likejson":     `{"code":"0","msg":"{\"code\":\"400101\",\"isBase64Encoded\":true,\"statusCode\":500}"}`,
	"replacement":  "{\"code\":\"0\",\"msg\":\"\ufffd\uffff\U0010ffff\"}",
	"delete":       "{\"code\":\"0\",\"msg\":\"\x7f\"}",
	"long":         `{"code":"0","msg":"` + strings.Repeat(`a\"`, 40_000) + `"}`,
	"photos":       `{"result":{"originBankcardPhoto":"` + strings.Repeat("/9j+4AAQ", 250_000) + `","bankcardCropPhoto":"` + strings.Repeat(`\/9j=`, 50_000) + `"},"code":"0"}`,
}

// document serves documents.
func document(w http.ResponseWriter, r *http.Request, _ simulator.Call) bool {
	body, ok := documents[r.URL.Query().Get("order_no")]
	if ok {
		_, _ = w.Write([]byte(body))
	}
	return ok
}

// TestBodyIsTheUpstreamsByteForByte goes through the documents by all routes and by direct invocation.
func TestBodyIsTheUpstreamsByteForByte(t *testing.T) {
	t.Parallel()
	through(t, func(t *testing.T, over transport) {
		w := open(t, over, setting{faults: document})
		for order, body := range documents {
			want := digest{len(body), sha256.Sum256([]byte(body))}
			for _, target := range []string{
				"/ocr/bankcard/" + order, "/ocr/idcard/" + order + "?get_file=1&get_native=1",
				bankPath + "?order_no=" + order, idPath + "?order_no=" + order,
			} {
				if a := w.get(target); a.sum() != want {
					t.Errorf("%s: status %d, %d bytes, want %d: %.200q", target, a.status, len(a.body), len(body), a.body)
				}
			}
			if w.event == nil {
				continue
			}
			result, err := w.event.Invoke(t.Context(), []byte(`{"type":"bankcard","order_no":"`+order+`","get_file":true}`))
			if err != nil || result.Error != nil || sha256.Sum256(result.Payload) != want.hash {
				t.Errorf("invoked with %s: %d bytes, want %d; %v %+v", order, len(result.Payload), len(body), err, result.Error)
			}
		}
	})
}

// photoJSON returns an answer of size bytes that is a photo nearly from end to end.
func photoJSON(size int) string {
	const head, tail = `{"result":{"bankcardCropPhoto":"`, `"},"code":"0"}`
	return head + strings.Repeat("A", size-len(head)-len(tail)) + tail
}

// sized serves an answer whose size the order number says: "size…".
func sized(w http.ResponseWriter, r *http.Request, _ simulator.Call) bool {
	text, ok := strings.CutPrefix(r.URL.Query().Get("order_no"), "size")
	var size int
	if !ok || json.Unmarshal([]byte(text), &size) != nil {
		return false
	}
	_, _ = w.Write([]byte(photoJSON(size)))
	return true
}

// TestAnswersUpToThePlatformsLimit hits the limit of 6 MB exactly, and goes one byte beyond.
func TestAnswersUpToThePlatformsLimit(t *testing.T) {
	t.Parallel()
	through(t, func(t *testing.T, over transport) {
		w := open(t, over, setting{faults: sized})
		most := gateway.MaxPayload
		if over.event {
			most -= w.wrapping(t)
		}
		for _, c := range []struct {
			name string
			exchange
		}{
			{"the largest", exchange{target: "/ocr/bankcard/" + orderOfSize(most), status: 200, asks: 1}},
			{"a byte more", exchange{target: "/ocr/bankcard/" + orderOfSize(most+1), status: 502, asks: 1, code: "FailedOperation.ResponseTooLarge", also: says("/photos/", "DELIVER_TO")}},
			{"a byte more than the platform's", exchange{target: bankPath + "?order_no=" + orderOfSize(gateway.MaxPayload+1), status: 502, asks: 1, code: "FailedOperation.ResponseTooLarge"}},
			{"twice as much", exchange{target: "/ocr/bankcard/" + orderOfSize(2*gateway.MaxPayload), status: 502, asks: 1, code: "FailedOperation.ResponseTooLarge"}},
		} {
			t.Run(c.name, func(t *testing.T) { c.exchange.run(t, w) })
		}
		if w.event == nil {
			return
		}
		for size, fits := range map[int]bool{gateway.MaxPayload: true, gateway.MaxPayload + 1: false} {
			result, err := w.event.Invoke(t.Context(), []byte(`{"type":"bankcard","order_no":"`+orderOfSize(size)+`"}`))
			if err != nil || (result.Error == nil) != fits || fits && string(result.Payload) != photoJSON(size) {
				t.Errorf("invoked for %d bytes: %v, %+v", size, err, result.Error)
			}
		}
	})
}

func orderOfSize(n int) string {
	text, _ := json.Marshal(n)
	return "size" + string(text)
}

// wrapping returns how many bytes an event's return value has more than the body in it, with the
// escapes of photoJSON.
func (w *world) wrapping(t *testing.T) int {
	t.Helper()
	const size = 100
	event := `{"httpMethod":"GET","path":"/ocr/bankcard/` + orderOfSize(size) + `","headers":{"authorization":"Bearer ` + aliceToken + `"}}`
	result, err := w.event.Invoke(t.Context(), []byte(event))
	if err != nil || result.Error != nil {
		t.Fatal(err, result.Error)
	}
	return len(result.Payload) - size
}

// TestPhotosUpToThePlatformsLimit does so for a photo, which an event carries as Base64.
func TestPhotosUpToThePlatformsLimit(t *testing.T) {
	t.Parallel()
	const overhead = len(`{"result":{"bankcardCropPhoto":""},"code":"0"}`)
	through(t, func(t *testing.T, over transport) {
		w := open(t, over, setting{faults: sized})
		most := gateway.MaxPayload / 4 * 4 // of Base64: in an event with the wrapping, on the Web three quarters count
		if over.event {
			most = (gateway.MaxPayload - 1024) / 4 * 4
		} else {
			most = most / 3 * 4
		}
		photo := func(base64 int) string {
			return "/ocr/bankcard/" + orderOfSize(base64+overhead) + "/photos/bankcardCropPhoto"
		}
		exchange{
			target: photo(most), status: 200, asks: 1, sends: "get_file=1",
			also: isImage("application/octet-stream", strings.Repeat("\x00", most/4*3)),
		}.run(t, w)
		exchange{
			target: photo(most + 1024), status: 502, asks: 1, sends: "get_file=1",
			code: "FailedOperation.ResponseTooLarge", also: says("DELIVER_TO"),
		}.run(t, w)
	})
}
