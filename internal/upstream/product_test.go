package upstream

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/signer"
)

// flow is an app between the vendor and a user's client.
type flow struct {
	t             *testing.T
	sim           *simulator.Simulator
	client        *Client
	token, ticket string
}

func newFlow(t *testing.T) *flow {
	f := &flow{t: t, sim: simulator.New(simulator.Config{Apps: map[string]string{"IDA1": "s"}})}
	f.client = connect(t, f.sim.ServeHTTP)
	f.token, f.ticket = f.sim.Mint("IDA1")
	return f
}

// nonceTicket fetches the NONCE ticket of the user.
func (f *flow) nonceTicket() string {
	f.t.Helper()
	got, err := f.client.NonceTicket(f.t.Context(), "IDA1", secret.New(f.token), "user&1=")
	if err != nil || got.Life != 2*time.Minute {
		f.t.Fatal(got.Life, err)
	}
	return got.Value.Reveal()
}

func (f *flow) start(v signer.Values) simulator.Start {
	return simulator.Start{AppID: v.AppID, UserID: v.UserID, OrderNo: v.OrderNo, Nonce: v.Nonce, Version: signer.Version,
		FaceID: v.FaceID, Sign: signer.StartSDK.Sign(v, f.nonceTicket())}
}

// TestStartOfOCR goes the whole way of the OCR SDK.
func TestStartOfOCR(t *testing.T) {
	f := newFlow(t)
	v := signer.Values{AppID: "IDA1", OrderNo: "ocr1", UserID: "user&1=", Nonce: signer.Nonce()}
	done, err := f.sim.RunOCR(f.start(v))
	if err != nil || !signer.Callback.Verify(v, f.ticket, done.Sign) {
		t.Errorf("%+v, %v", done, err)
	}
	if broken := f.sim.Violations(); broken != nil {
		t.Errorf("%q", broken)
	}
}

// TestStartOfEachProduct goes the whole way: upload, start, what comes back, verdict with files.
func TestStartOfEachProduct(t *testing.T) {
	for _, way := range products {
		product := way.product
		for _, order := range []string{"order1", "nodomain1", "foreigndomain1"} {
			t.Run(string(product)+" "+order, func(t *testing.T) { newFlow(t).verify(product, order) })
		}
	}
	for _, unknown := range []Product{"", "ocr", "H5"} {
		if unknown.IsKnown() || unknown.IsPage() {
			t.Errorf("%q is known", unknown)
		}
	}
}

func (f *flow) verify(product Product, order string) {
	t := f.t
	if !product.IsKnown() || !product.Upload().IsKnown() || !product.Query().IsKnown() {
		t.Fatal("not known")
	}
	v := signer.Values{AppID: "IDA1", OrderNo: order, UserID: "user&1=", Nonce: signer.Nonce()}
	a, err := f.client.Do(t.Context(), product.Upload(), Params{AppID: "IDA1", Ticket: secret.New(f.ticket), Body: NewBody(
		Member{Name: "orderNo", Text: v.OrderNo}, Member{Name: "userId", Text: v.UserID}, Member{Name: "name", Text: "张<三>"},
		Member{Name: "idNo", Text: "1"}, Member{Name: "liveInterType"}, Member{Name: "sourcePhotoStr", Raw: []byte(`"` + portrait + `"`)})})
	if err != nil || a.Class != Success {
		t.Fatalf("upload: %+v, %v", a, err)
	}
	var domain string
	v.FaceID, domain = a.FaceID()
	if named := order == "order1" && product.Upload() != H5FaceID; named != (domain == "kyc1.qcloud.com") || !named && domain != "" {
		t.Errorf("domain %q", domain)
	}
	v.Code, err = "0", nil
	var sign string
	if product.IsPage() {
		sign = f.visit(product, v, domain)
	} else {
		var done simulator.Callback
		done, err = f.sim.RunFace(f.start(v))
		sign = done.Sign
	}
	if err != nil || !signer.Callback.Verify(v, f.ticket, sign) {
		t.Errorf("handed back %q, %v", sign, err)
	}
	a, err = f.client.Do(t.Context(), product.Query(), Params{AppID: "IDA1", Ticket: secret.New(f.ticket), Limit: 1 << 20, OrderNo: order, Files: "1"})
	if err != nil || a.Class != Success || len(a.Photos(Face)) != 2 || strings.Join(a.Originals(Face), " ") != "photo" {
		t.Errorf("verdict: %+v, %v", a, err)
	}
	if broken := f.sim.Violations(); broken != nil {
		t.Errorf("%q", broken)
	}
}

// visit sends a browser to the page and returns the sign that it comes back with.
func (f *flow) visit(product Product, v signer.Values, domain string) string {
	to := f.client.LoginURL(Login{Product: product, Values: v, Sign: secret.New(product.Start().Sign(v, f.nonceTicket())), Domain: domain,
		Callback: "https://shop.example/back?a=b+c&d=%20#e f", ResultType: "1", From: "app", RedirectType: "1"}).Reveal()
	host := f.client.base.Scheme + "://" + f.client.base.Host
	if domain != "" {
		host = "https://" + domain
	}
	if !strings.HasPrefix(to, host+"/api/web/login?") || strings.ContainsAny(to, " +") {
		f.t.Errorf("goes to %s", to)
	}
	back, err := f.sim.RunH5(to)
	u, _ := url.Parse(back)
	if err != nil || u.Host != "shop.example" || u.Query().Get("a") != "b c" || u.Fragment != "e f" || u.Query().Get("orderNo") != v.OrderNo {
		f.t.Fatalf("back at %s, %v", back, err)
	}
	return u.Query().Get("newSignature") + u.Query().Get("newSign")
}

func TestFaceIDOfAnAnswer(t *testing.T) {
	for _, c := range []struct{ body, id, domain string }{
		{`{"code":"0","result":{"faceId":"tx1","optimalDomain":"kyc1.qcloud.com"}}`, "tx1", "kyc1.qcloud.com"},
		{`{"code":0,"result":{"optimalDomain":"miniprogram-kyc.tencentcloudapi.com","h5faceId":"0a\/"}}`, "0a/", "miniprogram-kyc.tencentcloudapi.com"},
		{`{"code":"0","result":{"faceId":null,"optimalDomain":null}}`, "", ""},
		{`{"code":"0","result":{"faceId":1,"optimalDomain":""}}`, "", ""},
		{`{"code":"0","result":null}`, "", ""},
		{`{"code":"0","faceId":"tx1"}`, "", ""},
	} {
		a, refused := parse(200, []byte(c.body), 0)
		if refused != nil {
			t.Fatal(refused)
		}
		if id, domain := a.FaceID(); id != c.id || domain != c.domain {
			t.Errorf("%s: %q at %q", c.body, id, domain)
		}
	}
	for _, host := range []string{"elsewhere.invalid", "qcloud.com", ".qcloud.com", "kyc1.qcloud.com.", "xqcloud.com", "kyc1.qcloud.com.evil.example",
		"kyc1.qcloud.com:443", "a@kyc1.qcloud.com", "evil.example/.qcloud.com", "evil.example#.qcloud.com", "evil.example\\.qcloud.com",
		"KYC1.qcloud.com", "a..qcloud.com", "a b.qcloud.com", "ｋyc.qcloud.com", "%2e.qcloud.com", strings.Repeat("a", 250) + ".qcloud.com"} {
		if isVendorHost(host) {
			t.Errorf("%q is taken for the vendor's", host)
		}
	}
}
