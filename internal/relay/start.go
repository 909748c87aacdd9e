package relay

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"kyc-ocr-relay/internal/jsonscan"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
	"kyc-ocr-relay/signer"
)

// Flow is the start of a client's flow: of one user, for one order.
type Flow struct {
	AppID, UserID, OrderNo string

	Product Product        // of a face verification; the zero Product is an OCR
	Body    *upstream.Body // of the upload, for a face verification

	// Of a verification in a page.
	Back       string // where the page sends the user afterwards, a whole URL
	ResultType string // "1": straight there; "": after the page's own result
	From       string // "browser", "app" or ""
	Redirect   string // "1": in place of the page in the browser's history
}

// Product is a product of face verification (upstream-face facts: document 1007, face id
// upload).
type Product string

// The products.
const (
	Basic    Product = "basic"    // SDK
	Enhanced Product = "enhanced" // SDK
	Plus     Product = "plus"     // SDK
	Will     Product = "will"     // SDK, face and declared intention
	H5       Product = "h5"       // page for phones
	H5Plus   Product = "h5plus"   // page for phones, Plus
	PCH5     Product = "pch5"     // page for PCs
)

// uploads has the call that a product's face id comes from.
var uploads = map[Product]upstream.Call{
	Basic: upstream.FaceID, Enhanced: upstream.AdvFaceID, Plus: upstream.PlusFaceID, Will: upstream.WillFaceID,
	H5: upstream.AdvFaceID, H5Plus: upstream.PlusFaceID, PCH5: upstream.H5FaceID,
}

// Upload returns the call that the product's face id comes from, "" of an unknown product.
func (p Product) Upload() upstream.Call { return uploads[p] }

// IsPage reports whether the user is sent to a page of the vendor.
func (p Product) IsPage() bool { return p == H5 || p == H5Plus || p == PCH5 }

// Started is what a front end needs to start with. Its sign is good once, for two minutes.
type Started struct {
	AppID, UserID, OrderNo string
	Nonce, Sign            string

	FaceID string // of a face verification
	Domain string // that the upstream wants the SDK to use; "" if it named none
	URL    string // of a page: where to send the user
}

// Start fetches what the flow needs and signs it: a NONCE ticket of the user and, for a face
// verification, a face id, side by side. Where the upstream refuses the upload its answer is
// returned, with no Started. Errors are as with Ask.
func (r *Relay) Start(ctx context.Context, f Flow, t *upstream.Trace) (*Started, *upstream.Answer, error) {
	s := &starting{relay: r, flow: f}
	answer, err := r.withPair(ctx, f.AppID, t, func(pair *ticket.Pair) (*upstream.Answer, error) { return s.try(ctx, pair, t) })
	if err != nil {
		return nil, nil, err
	}
	if answer.Class != upstream.Success {
		return nil, answer, nil
	}
	started, err := s.sign()
	return started, answer, err
}

// starting is a flow on its way.
type starting struct {
	relay  *Relay
	flow   Flow
	upload *upstream.Answer // with a face id; kept where only the NONCE ticket has to be fetched anew
	ticket secret.Text      // NONCE
}

// try makes the two calls with a pair. What succeeded with the pair before is not lost: an
// upload uses up its order number.
func (s *starting) try(ctx context.Context, pair *ticket.Pair, t *upstream.Trace) (*upstream.Answer, error) {
	var (
		uploaded  = make(chan struct{})
		answer    = s.upload
		uploadErr error
		took      time.Duration
	)
	if s.flow.Product == "" || answer != nil {
		close(uploaded)
	} else {
		go func() {
			defer close(uploaded)
			p := upstream.Params{AppID: s.flow.AppID, Ticket: pair.Ticket, Body: s.flow.Body}
			start := time.Now()
			answer, uploadErr = s.relay.Upstream.Do(ctx, s.flow.Product.Upload(), p)
			took = time.Since(start)
		}()
	}
	start := time.Now()
	nonce, err := s.relay.Upstream.NonceTicket(ctx, s.flow.AppID, pair.Token, s.flow.UserID)
	nonceTook := time.Since(start)
	<-uploaded
	t.Attempts++
	t.Time += max(took, nonceTook)
	if answer != nil && answer != s.upload || uploadErr != nil {
		t.Note(0, answer, uploadErr)
	}
	switch {
	case uploadErr != nil:
		return nil, uploadErr
	case answer != nil && answer.Class != upstream.Success:
		return answer, nil
	}
	s.upload = answer
	if err != nil {
		return nil, err
	}
	s.ticket = nonce.Value
	if answer == nil {
		answer = &upstream.Answer{Class: upstream.Success, Code: "0"}
	}
	return answer, nil
}

// sign signs what the front end starts with (document 1007: 63358, 35846 of the SDKs; 61074,
// 114178, 35894 of the pages).
func (s *starting) sign() (*Started, error) {
	f := &s.flow
	v := signer.Values{AppID: f.AppID, UserID: f.UserID, OrderNo: f.OrderNo, Nonce: signer.Nonce()}
	started := &Started{AppID: f.AppID, UserID: f.UserID, OrderNo: f.OrderNo, Nonce: v.Nonce}
	use := signer.StartSDK
	if f.Product != "" {
		result := jsonscan.Member(s.upload.Body, "result")
		for _, member := range [...]string{"faceId", "h5faceId"} {
			if id := text(result, member); id != "" {
				v.FaceID = id
			}
		}
		if v.FaceID == "" {
			return nil, &upstream.Error{Step: f.Product.Upload().Step(), Reason: upstream.BadResponse, Detail: "an answer without a face id"}
		}
		started.FaceID, started.Domain = v.FaceID, text(result, "optimalDomain")
		if !isVendors(started.Domain) {
			started.Domain = ""
		}
		if f.Product.IsPage() {
			use = signer.StartH5Face
		}
	}
	started.Sign = use.Sign(v, s.ticket.Reveal())
	if f.Product.IsPage() {
		started.URL = s.relay.pageURL(f, started)
	}
	return started, nil
}

// text returns a member of object that is text, "" where there is none.
func text(object []byte, name string) string {
	if len(object) == 0 || object[0] != '{' {
		return ""
	}
	return jsonscan.Text(jsonscan.Member(object, name))
}

// pageURL returns the vendor's page with its parameters.
func (r *Relay) pageURL(f *Flow, s *Started) string {
	u := url.URL{Scheme: "https", Host: s.Domain, Path: "/api/web/login"}
	if u.Host == "" {
		base := r.Upstream.BaseURL()
		u.Scheme, u.Host, u.Path = base.Scheme, base.Host, base.Path+u.Path
	}
	faceID := "faceId"
	if f.Product == PCH5 {
		faceID = "h5faceId"
	}
	query := url.Values{}
	for _, p := range [...]struct{ name, value string }{
		{"appId", s.AppID}, {"version", signer.Version}, {"nonce", s.Nonce}, {"orderNo", s.OrderNo}, {faceID, s.FaceID},
		{"userId", s.UserID}, {"sign", s.Sign}, {"url", f.Back}, {"resultType", f.ResultType}, {"from", f.From},
		{"redirectType", f.Redirect},
	} {
		if p.value != "" {
			query.Set(p.name, p.value)
		}
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// vendors are the domains of the vendor: where a user is sent must not be chosen by an answer.
var vendors = []string{".qcloud.com", ".tencentcloudapi.com"}

// isVendors reports whether domain is a host name of the vendor.
func isVendors(domain string) bool {
	domain = strings.ToLower(domain)
	for _, label := range strings.Split(domain, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return len(domain) <= 253 && slices.ContainsFunc(vendors, func(of string) bool { return strings.HasSuffix(domain, of) })
}
