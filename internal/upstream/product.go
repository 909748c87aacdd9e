package upstream

import (
	"net/url"
	"strings"

	"kyc-ocr-relay/internal/jsonscan"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/signer"
)

// Product is a way to verify a face.
type Product string

// The products.
const (
	Basic    Product = "basic"    // SDK
	Enhanced Product = "enhanced" // SDK
	Plus     Product = "plus"     // SDK
	Will     Product = "will"     // SDK, 意愿
	H5       Product = "h5"       // page for phones
	H5Plus   Product = "h5plus"   // page for phones
	PCH5     Product = "pch5"     // page for PCs
)

// products has for each the upload, what signs its start with a NONCE ticket, and what the page
// calls the face id (1007/61074, 114178, 35894).
var products = [...]way{
	{Basic, FaceID, signer.StartSDK, ""},
	{Enhanced, AdvFaceID, signer.StartSDK, ""},
	{Plus, PlusFaceID, signer.StartSDK, ""},
	{Will, WillFaceID, signer.StartSDK, ""},
	{H5, AdvFaceID, signer.StartH5Face, "faceId"},
	{H5Plus, PlusFaceID, signer.StartH5Face, "faceId"},
	{PCH5, H5FaceID, signer.StartH5Face, "h5faceId"},
}

// way is what there is to know of a product.
type way struct {
	product Product
	upload  Call
	start   signer.Use
	faceID  string // "" for an SDK
}

// way returns what there is to know of the product, the zero way of one that is not known.
func (p Product) way() way {
	for i := range products {
		if products[i].product == p {
			return products[i]
		}
	}
	return way{}
}

// IsKnown reports whether p is one of the products.
func (p Product) IsKnown() bool { return p.way().upload != "" }

// IsPage reports whether the user is sent to a page of the vendor, by LoginURL; else an SDK
// starts with the values.
func (p Product) IsPage() bool { return p.way().faceID != "" }

// Upload returns the call that issues the face id.
func (p Product) Upload() Call { return p.way().upload }

// Start returns what signs the start. That of an SDK does not wait for the face id, so that
// the NONCE ticket may be fetched beside the upload; that of a page signs the face id.
func (p Product) Start() signer.Use { return p.way().start }

// Query returns the call that asks for the verdict.
func (p Product) Query() Call {
	if p == Will {
		return WillResult
	}
	return FaceRecord
}

// vendorDomains are those below which the vendor has the hosts of its pages.
var vendorDomains = []string{".qcloud.com", ".tencentcloudapi.com"}

// FaceID returns the face id that an upload was answered with, "" if none, and the host that
// the vendor wants the client to go to, "" if it named none or one that is not its own: an
// answer must not choose where a user is sent.
func (a *Answer) FaceID() (id, domain string) {
	from, to := a.result()
	if from == to {
		return "", ""
	}
	jsonscan.Places(a.Body[from:to], func(name string, f, t int) {
		switch value := a.Body[from+f : from+t]; name {
		case "faceId", "h5faceId":
			id = jsonscan.Text(value)
		case "optimalDomain":
			domain = jsonscan.Text(value)
		}
	})
	if !isVendorHost(domain) {
		domain = ""
	}
	return id, domain
}

// isVendorHost reports whether host is a name below one of the vendor's domains, without a port
// or anything else.
func isVendorHost(host string) bool {
	if len(host) > 253 || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" || strings.Contains(host, "..") {
		return false
	}
	for _, domain := range vendorDomains {
		if name, below := strings.CutSuffix(host, domain); below && name != "" && name[0] != '.' {
			return true
		}
	}
	return false
}

// Login is what a page starts with.
type Login struct {
	Product Product       // one that IsPage
	Values  signer.Values // AppID, UserID, OrderNo, Nonce and FaceID, as they were signed
	Sign    secret.Text
	Domain  string // from Answer.FaceID; "": the host that the Client calls

	Callback     string // whole URL that the page sends the browser back to
	ResultType   string // "1": straight to Callback, "": by way of the vendor's result
	From         string // "browser" or "app", "" left out
	RedirectType string // "1": replace the browser's history, "" left out
}

// LoginURL returns the URL to send the user's browser to. It carries a NONCE sign, so that it
// is good once, for two minutes.
func (c *Client) LoginURL(l Login) secret.Text {
	u := url.URL{Scheme: c.base.Scheme, Host: c.base.Host, Path: c.base.Path + "/api/web/login"}
	if l.Domain != "" {
		u = url.URL{Scheme: "https", Host: l.Domain, Path: "/api/web/login"}
	}
	q := url.Values{
		"appId": {l.Values.AppID}, "version": {signer.Version}, "nonce": {l.Values.Nonce}, "orderNo": {l.Values.OrderNo},
		l.Product.way().faceID: {l.Values.FaceID}, "userId": {l.Values.UserID}, "sign": {l.Sign.Reveal()}, "url": {l.Callback},
	}
	for name, value := range map[string]string{"resultType": l.ResultType, "from": l.From, "redirectType": l.RedirectType} {
		if value != "" {
			q.Set(name, value)
		}
	}
	// Encode writes a space as "+", which is one only in a form.
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
	return secret.New(u.String())
}
