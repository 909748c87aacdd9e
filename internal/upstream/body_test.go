package upstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/signer"
)

// sentOf is what a body is on the wire, without the values that differ each time.
func sentOf(t *testing.T, call Call, b *Body) string {
	t.Helper()
	text, nonce, sign := wire(t, call, b)
	text = strings.Replace(text, `"sign":"`+sign, `"sign":"SIGN`, 1)
	return strings.Replace(text, `"nonce":"`+nonce, `"nonce":"NONCE`, 1)
}

func wire(t *testing.T, call Call, b *Body) (text, nonce, sign string) {
	t.Helper()
	pieces, size := b.sign(call.row().signs, &Params{AppID: "IDA1", Ticket: secret.New("ticket")})
	whole, err := io.ReadAll(&pieces)
	if err != nil || len(whole) != size {
		t.Fatalf("%d bytes, announced %d, %v", len(whole), size, err)
	}
	var own map[string]any // a struct would take names of any case
	if err := json.Unmarshal(whole, &own); err != nil {
		t.Fatalf("%s: %v", whole, err)
	}
	nonce, _ = own["nonce"].(string)
	return string(whole), nonce, own["sign"].(string)
}

// TestFourMembersAreSet has everything else as the caller wrote it.
func TestFourMembersAreSet(t *testing.T) {
	const own = `,"version":"1.0.0","nonce":"NONCE","sign":"SIGN"`
	for _, c := range []struct{ name, body, want string }{
		{"none of them", `{"orderNo":"o"}`, `{"appId":"IDA1"` + own + `,"orderNo":"o"}`},
		{"all of them first", `{"appId":"x","version":"1","nonce":"n","sign":"s","orderNo":"o"}`, `{"appId":"IDA1"` + own + `,"orderNo":"o"}`},
		{"all of them last", `{"orderNo":"o","appId":"x","version":"1","nonce":"n","sign":"s"}`, `{"appId":"IDA1"` + own + `,"orderNo":"o"}`},
		{"between", `{"a":1,"nonce":"n","orderNo":"o","sign":{"x":[]},"b":2,"c":3}`, `{"appId":"IDA1"` + own + `,"a":1,"orderNo":"o","b":2,"c":3}`},
		{"the older name", `{"orderNo":"o","webankAppId":"x"}`, `{"webankAppId":"IDA1"` + own + `,"orderNo":"o"}`},
		{"the name of a GET", `{"app_id":"","orderNo":"o"}`, `{"app_id":"IDA1"` + own + `,"orderNo":"o"}`},
		{"escaped names", `{"\u0061ppId":"x","\u006frderNo":"o","n\u006fnce":1}`, `{"appId":"IDA1"` + own + `,"\u006frderNo":"o"}`},
		{"other cases", `{"APPID":"x","Sign":"s","orderNo":"o"}`, `{"appId":"IDA1"` + own + `,"APPID":"x","Sign":"s","orderNo":"o"}`},
		{"white space", " {\n \"orderNo\" : \"o\" ,\t\"sign\": \"s\" , \"a\" : [ 1 ] }\r\n", `{"appId":"IDA1"` + own + ",\n \"orderNo\" : \"o\" , \"a\" : [ 1 ]}"},
		{"odd values", `{"a":1.50e+3,"orderNo":"o","b":"\/\ud83d\ude00","c":null}`, `{"appId":"IDA1"` + own + `,"a":1.50e+3,"orderNo":"o","b":"\/\ud83d\ude00","c":null}`},
		{"of no use to the call", `{"userId":1,"orderNo":"o","name":[]}`, `{"appId":"IDA1"` + own + `,"userId":1,"orderNo":"o","name":[]}`},
	} {
		b, err := ReadBody(FaceRecord, []byte(c.body))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for range 2 { // a body can be sent again
			if got := sentOf(t, FaceRecord, b); got != c.want {
				t.Errorf("%s: sends\n%s, want\n%s", c.name, got, c.want)
			}
		}
		if b.OrderNo != "o" {
			t.Errorf("%s: order %q", c.name, b.OrderNo)
		}
	}
}

// TestSignOfABody has each use of signs sign what stands in the body.
func TestSignOfABody(t *testing.T) {
	const body = `{"userId":"u\u0031","name":"\u5f20三","idNo":"1","orderNo":"o","nonce":"stale","app_id":"x"}`
	for call, use := range map[Call]signer.Use{FaceID: signer.ByUser, H5FaceID: signer.ByName, OCRCertID: signer.ByOrder, DriverPicture: signer.ByOrder} {
		b, err := ReadBody(call, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		_, nonce, sign := wire(t, call, b)
		v := signer.Values{AppID: "IDA1", OrderNo: "o", UserID: "u1", Name: "张三", IDNo: "1", Nonce: nonce}
		if sign != use.Sign(v, "ticket") || b.AppID != "x" || (nonce == "") != (call == H5FaceID) {
			t.Errorf("%s: sign %s with nonce %q, app %q", call, sign, nonce, b.AppID)
		}
		if _, again, _ := wire(t, call, b); again == nonce && nonce != "" {
			t.Errorf("%s: the nonce was sent twice", call)
		}
	}
	b, err := ReadBody(H5FaceID, []byte(`{"userId":"u","orderNo":"o"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, sign := wire(t, H5FaceID, b); sign != signer.Sign("IDA1", "o", "u", "1.0.0", "ticket") {
		t.Error("what is left out is signed")
	}
}

func TestBodiesThatAreRefused(t *testing.T) {
	long := strings.Repeat("1", maxText)
	for _, c := range []struct {
		name, body string
		call       Call
		want       BodyError
	}{
		{"nothing", ``, FaceRecord, BodyError{}},
		{"one byte", `{`, FaceRecord, BodyError{}},
		{"a list", `[{"orderNo":"o"}]`, FaceRecord, BodyError{}},
		{"cut", `{"orderNo":"o"`, FaceRecord, BodyError{}},
		{"two objects", `{"orderNo":"o"}{}`, FaceRecord, BodyError{}},
		{"not UTF-8", "{\"orderNo\":\"o\",\"a\":\"\xff\"}", FaceRecord, BodyError{}},
		{"very many members", `{"orderNo":"o"` + many(maxMembers) + `}`, FaceRecord, BodyError{}},
		{"a member twice", `{"orderNo":"o","getFile":"1","getFile":"2"}`, FaceRecord, BodyError{"getFile", true}},
		{"twice, in escapes", `{"orderNo":"o","order\u004eo":"p"}`, FaceRecord, BodyError{"orderNo", true}},
		{"one that is replaced, twice", `{"orderNo":"o","sign":"1","sign":"2"}`, FaceRecord, BodyError{"sign", true}},
		{"two names of the app", `{"appId":"a","orderNo":"o","webankAppId":"a"}`, FaceRecord, BodyError{"webankAppId", true}},
		{"no order", `{"userId":"u"}`, FaceRecord, BodyError{"orderNo", false}},
		{"an empty order", `{"orderNo":""}`, DriverPicture, BodyError{"orderNo", false}},
		{"an order that is a number", `{"orderNo":1}`, FaceRecord, BodyError{"orderNo", false}},
		{"a long order", `{"orderNo":"` + long + `"}`, FaceRecord, BodyError{"orderNo", false}},
		{"half a character", `{"orderNo":"o","userId":"\ud83d"}`, FaceID, BodyError{"userId", false}},
		{"an app that is null", `{"orderNo":"o","appId":null}`, FaceRecord, BodyError{"appId", false}},
		{"no user", `{"orderNo":"o"}`, FaceID, BodyError{"userId", false}},
		{"a name that is none", `{"orderNo":"o","userId":"u","name":{}}`, H5FaceID, BodyError{"name", false}},
	} {
		_, err := ReadBody(c.call, []byte(c.body))
		var e *BodyError
		if !errors.As(err, &e) || *e != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, err, c.want)
			continue
		}
		if e.Twice && strings.Contains(e.Error(), e.Member) {
			t.Errorf("%s: a caller's name is repeated: %v", c.name, e)
		}
	}
	if _, err := ReadBody(FaceRecord, []byte(`{"orderNo":"o"`+many(maxMembers-1)+`}`)); err != nil {
		t.Errorf("as many members as may be: %v", err)
	}
}

// many returns n members.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"m` + strings.Repeat("x", i) + `":0`)
	}
	return b.String()
}

func TestNewBody(t *testing.T) {
	raw := []byte(`"AA\/A"`)
	b := NewBody(Member{Name: "photo", Raw: raw}, Member{Name: "orderNo", Text: "o"}, Member{Name: "from"}, Member{Name: "name", Text: "\"张\"\n"},
		Member{Name: "userId", Raw: []byte(`"\u0075"`)}, Member{Name: "idNo", Text: "1"})
	if want := `{"appId":"IDA1","version":"1.0.0","sign":"SIGN","photo":"AA\/A","orderNo":"o","name":"\"张\"\n","userId":"\u0075","idNo":"1"}`; sentOf(t, H5FaceID, b) != want {
		t.Errorf("sends %s", sentOf(t, H5FaceID, b))
	}
	v := signer.Values{AppID: "IDA1", OrderNo: "o", UserID: "u", Name: "\"张\"\n", IDNo: "1"}
	if _, _, sign := wire(t, H5FaceID, b); sign != signer.ByName.Sign(v, "ticket") {
		t.Error("another sign")
	}
	if &b.rest[1][0] != &raw[0] {
		t.Error("a raw member was copied")
	}
	if want := `{"appId":"IDA1","version":"1.0.0","sign":"SIGN"}`; sentOf(t, H5FaceID, NewBody()) != want {
		t.Errorf("no members: %s", sentOf(t, H5FaceID, NewBody()))
	}
}

// TestNothingPrintsABody: it has what must be in no log.
func TestNothingPrintsABody(t *testing.T) {
	b := NewBody(Member{Name: "name", Text: "canary"}, Member{Name: "orderNo", Text: "canary"}, Member{Name: "x", Raw: []byte(`"canary"`)})
	var logged bytes.Buffer
	for _, v := range []any{b, *b, Params{Body: b}, &Params{Body: b}, []*Body{b}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			fmt.Fprintf(&logged, verb, v)
		}
		slog.New(slog.NewTextHandler(&logged, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("m", "v", v)
	}
	for _, form := range []string{"canary", fmt.Sprintf("%x", "canary"), fmt.Sprint([]byte("canary"))} {
		if strings.Contains(logged.String(), form) {
			t.Errorf("printed: %s", logged.String())
		}
	}
	if !strings.Contains(logged.String(), "[body]") {
		t.Error("no placeholder")
	}
}

// FuzzReadBody holds what is sent to what encoding/json reads of the two texts.
func FuzzReadBody(f *testing.F) {
	for _, seed := range []string{`{"orderNo":"o","userId":"u"}`, `{"sign":"s","orderNo":"o","a":[1,{"sign":"x"}],"userId":"u","nonce":null} `,
		`{"app_id":"x", "orderNo":"\u006f","userId":"u","\u0073ign":""}`, `{"orderNo":"o","userId":"u","a":"\"{,}"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		b, err := ReadBody(FaceID, text)
		if err != nil {
			return
		}
		sent, nonce, sign := wire(t, FaceID, b)
		if !bytes.Equal(text, before) {
			t.Fatalf("%q was changed", before)
		}
		var want, got map[string]json.RawMessage
		if err := errors.Join(json.Unmarshal(text, &want), json.Unmarshal([]byte(sent), &got)); err != nil || !utf8.ValidString(sent) {
			t.Fatalf("%q sends %q: %v", text, sent, err)
		}
		app := "appId"
		for _, name := range []string{"webankAppId", "app_id"} {
			if _, ok := want[name]; ok {
				app = name
			}
		}
		for name, value := range map[string]string{app: "IDA1", "version": "1.0.0", "nonce": nonce, "sign": sign} {
			want[name] = json.RawMessage(`"` + value + `"`)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q sends %q: %s", text, sent, diff)
		}
	})
}

// TestDeadPooledConnectionUnderAPost: the one answer that a kept connection still had to give is
// lost with it, and the POST is not sent once more on another.
func TestDeadPooledConnectionUnderAPost(t *testing.T) {
	inBubble(t, 5*time.Second, abort(2, 1), func(t *testing.T, b *bubble) {
		for n := 1; n <= 2; n++ {
			_, err := b.client.Do(t.Context(), FaceID, asked(t, FaceID, "order1"))
			var e *Error
			if lost := errors.As(err, &e) && e.Lost(); lost != (n == 2) {
				t.Errorf("POST %d: %v", n, err)
			}
		}
		if b.asked() != 2 || b.dials != 1 {
			t.Errorf("%d asked over %d connections", b.asked(), b.dials)
		}
	})
}

// TestPostAfterAPause finds its connection closed by the other side, and takes a new one.
func TestPostAfterAPause(t *testing.T) {
	inBubble(t, 5*time.Second, codeThen("0", 0), func(t *testing.T, b *bubble) {
		for n := 1; n <= 2; n++ {
			a, err := b.client.Do(t.Context(), FaceID, asked(t, FaceID, "order1"))
			if err != nil || a.Attempts != 1 || b.dials != n {
				t.Errorf("POST %d: %+v, %v over %d connections", n, a, err, b.dials)
			}
			_ = b.last.Close()
			time.Sleep(time.Second)
		}
	})
}

// TestPostOnTheWire looks at one POST.
func TestPostOnTheWire(t *testing.T) {
	seen := make(chan *http.Request, 1)
	c := connect(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		text(`{"code":0}`)(w, r)
	})
	b, err := ReadBody(AdvFaceID, []byte(`{"orderNo":"a&b= c","userId":"u"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(t.Context(), AdvFaceID, Params{AppID: "IDA1", Body: b}); err != nil {
		t.Fatal(err)
	}
	r := <-seen
	if r.Method != "POST" || r.URL.RequestURI() != "/api/server/getAdvFaceId?orderNo=a%26b%3D+c" || r.ContentLength < 100 || r.TransferEncoding != nil {
		t.Errorf("%s %s, %d bytes %v", r.Method, r.URL.RequestURI(), r.ContentLength, r.TransferEncoding)
	}
	r.Header.Del("Content-Length")
	if diff := cmp.Diff(http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}, "User-Agent": {"kyc-ocr-relay"}}, r.Header); diff != "" {
		t.Error(diff)
	}
}
