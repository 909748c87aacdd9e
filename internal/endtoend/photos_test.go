package endtoend

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"kyc-ocr-relay/internal/simulator"
)

// photos is the photo route.
var photos = groups{
	{name: "photos", setting: setting{simulator: simulator.Config{PhotoLag: time.Hour}, faults: replies}, exchanges: []exchange{
		{name: "of a bank card", target: "/ocr/bankcard/card1/photos/bankcardCropPhoto", status: 200, asks: 1, sends: "get_file=1", also: isPhoto("bankcard", "card1", "bankcardCropPhoto")},
		{name: "another of it", target: "/ocr/bankcard/card1/photos/originBankcardPhoto?get_file=0&get_native=1", status: 200, asks: 1, sends: "get_file=1", also: isPhoto("bankcard", "card1", "originBankcardPhoto")},
		{name: "of an ID card", target: "/ocr/idcard/person1/photos/headPhoto?app_id=" + secondApp, status: 200, asks: 1, sends: "get_file=1&app_id=" + secondApp, also: isPhoto("idcard", "person1", "headPhoto")},
		{name: "with slashes escaped in the JSON", target: "/ocr/bankcard/odd1/photos/bankcardNoPhoto", status: 200, asks: 1, sends: "get_file=1", also: isPhoto("bankcard", "odd1", "bankcardNoPhoto")},
		{name: "of three megabytes, of an answer of twelve", target: "/ocr/bankcard/huge1/photos/bankcardNoPhoto", status: 200, asks: 1, sends: "get_file=1", also: isPhoto("bankcard", "huge1", "bankcardNoPhoto")},
		{name: "a PNG", target: "/ocr/bankcard/photopng/photos/bankcardCropPhoto", status: 200, asks: 1, sends: "get_file=1", also: isImage("image/png", png)},
		{name: "a WebP", target: "/ocr/bankcard/photowebp/photos/bankcardCropPhoto", status: 200, asks: 1, sends: "get_file=1", also: isImage("image/webp", webp)},
		{name: "a page is not sent as one", target: "/ocr/bankcard/photohtml/photos/bankcardCropPhoto", status: 200, asks: 1, sends: "get_file=1", also: isImage("application/octet-stream", html)},
		{name: "one byte", target: "/ocr/bankcard/photobyte/photos/bankcardCropPhoto", status: 200, asks: 1, sends: "get_file=1", also: isImage("application/octet-stream", "\x00")},
		{name: "broken into lines", target: "/ocr/bankcard/photolines/photos/bankcardCropPhoto", status: 200, asks: 1, sends: "get_file=1", also: isImage("image/png", png)},
		{name: "not Base64", target: "/ocr/bankcard/photojunk/photos/bankcardCropPhoto", status: 502, code: "FailedOperation.UpstreamBadResponse", asks: 1, sends: "get_file=1"},
		{name: "not text", target: "/ocr/bankcard/photonull/photos/bankcardCropPhoto", status: 404, code: "ResourceNotFound", asks: 1, sends: "get_file=1"},
		{name: "no result", target: "/ocr/bankcard/photonoresult/photos/bankcardCropPhoto", status: 404, code: "ResourceNotFound", asks: 1, sends: "get_file=1"},
		{name: "empty", target: "/ocr/bankcard/emptycrop1/photos/bankcardCropPhoto", status: 404, code: "ResourceNotFound", asks: 1, sends: "get_file=1"},
		{name: "the original of an empty crop", target: "/ocr/bankcard/emptycrop1/photos/originBankcardPhoto", status: 200, asks: 1, sends: "get_file=1", also: isPhoto("bankcard", "emptycrop1", "originBankcardPhoto")},
		{name: "late", target: "/ocr/bankcard/late1/photos/bankcardCropPhoto", status: 404, code: "ResourceNotFound", asks: 1, sends: "get_file=1"},
		{name: "unknown", target: "/ocr/bankcard/card1/photos/stray-canary", status: 404, code: "ResourceNotFound", silent: true},
		{name: "of the other type", target: "/ocr/bankcard/card1/photos/headPhoto", status: 404, code: "ResourceNotFound", silent: true},
		{name: "a field that is no photo", target: "/ocr/bankcard/card1/photos/bankCardNo", status: 404, code: "ResourceNotFound", silent: true},
		{name: "no result for the order", target: "/ocr/bankcard/notfound1/photos/bankcardCropPhoto", status: 404, asks: 1, sends: "get_file=1"},
		{name: "not recognised", target: "/ocr/bankcard/blurred1/photos/bankcardCropPhoto", status: 200, asks: 1, sends: "get_file=1"},
		{name: "throttled", target: "/ocr/bankcard/throttled1/photos/bankcardCropPhoto", status: 503, asks: 1, sends: "get_file=1"},
		{name: "refused", target: "/ocr/bankcard/forbidden1/photos/bankcardCropPhoto", status: 502, asks: 1, sends: "get_file=1"},
		{name: "a page in its place", target: "/ocr/bankcard/html1/photos/bankcardCropPhoto", status: 502, code: "FailedOperation.UpstreamBadResponse", asks: 3, sends: "get_file=1"},
		{name: "of a wrong order number", target: "/ocr/bankcard/stray-canary/photos/bankcardCropPhoto", status: 400, code: "InvalidParameterValue.OrderNo", silent: true},
	}},
}

// isPhoto expects the photo of an order as the upstream drew it.
func isPhoto(kind, orderNo, name string) func(*testing.T, *world, *answer) {
	return func(t *testing.T, w *world, a *answer) {
		t.Helper()
		isImage("image/jpeg", string(w.sim.Photos(kind, orderNo)[name]))(t, w, a)
	}
}

func isImage(contentType, want string) func(*testing.T, *world, *answer) {
	return func(t *testing.T, _ *world, a *answer) {
		t.Helper()
		if got := a.header.Get("Content-Type"); got != contentType {
			t.Errorf("Content-Type %q, want %q", got, contentType)
		}
		if want == "" || !bytes.Equal(a.body, []byte(want)) {
			t.Errorf("%d bytes, want the %d of the photo", len(a.body), len(want))
		}
	}
}

// Heads of files by which their type is told.
const (
	png  = "\x89PNG\r\n\x1a\n and whatever follows it"
	webp = "RIFF\x10\x00\x00\x00WEBPVP8 and more"
	html = "<html><script>alert(1)</script></html>"
)

// withCrop is a result whose crop is the JSON value photo.
func withCrop(photo string) string {
	return `{"code":"0","result":{"bankCardNo":"6222020903001483077","bankcardCropPhoto":` + photo + `}}`
}

func quoted(bytes string) string {
	return `"` + base64.StdEncoding.EncodeToString([]byte(bytes)) + `"`
}

// crops are answers by order number.
var crops = map[string]string{
	"photopng":      withCrop(quoted(png)),
	"photowebp":     withCrop(quoted(webp)),
	"photohtml":     withCrop(quoted(html)),
	"photobyte":     withCrop(quoted("\x00")),
	"photolines":    withCrop(quoted(png)[:9] + `\r\n` + quoted(png)[9:]),
	"photojunk":     withCrop(`"not Base64 at all"`),
	"photonull":     withCrop(`null`),
	"photonoresult": `{"code":"0","result":null}`,
}

func replies(w http.ResponseWriter, r *http.Request, _ simulator.Call) bool {
	body, ok := crops[r.URL.Query().Get("order_no")]
	if ok {
		_, _ = w.Write([]byte(body))
	}
	return ok
}
