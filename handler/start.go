package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"kyc-ocr-relay/internal/jsonscan"
	"kyc-ocr-relay/internal/order"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/upstream"
	"kyc-ocr-relay/signer"
)

// The lengths that the vendor documents (document 1007, face id upload): of a user, and of a
// source photo in Base64.
const (
	maxUser  = 32
	maxPhoto = 1048576
)

// startMembers are what the start routes read of a body.
var startMembers = []string{
	"user_id", "order_no", "app_id", "product", "name", "id_no", "source_photo", "source_photo_type", "live_inter_type",
	"url", "result_type", "from", "redirect_type",
}

// start signs what a front end starts with.
func (h *Handler) start(ctx context.Context, x *exchange) *response {
	m, fail := x.body(startMembers...)
	if fail != nil {
		return x.line.fail(*fail)
	}
	flow, fail := x.flow(m)
	if fail != nil {
		return x.line.fail(*fail)
	}
	var started *relay.Started
	answer, err := h.relays.Act(ctx, x.relay, flow.AppID, func(r *relay.Relay) (*upstream.Answer, error) {
		var answer *upstream.Answer
		var err error
		started, answer, err = r.Start(ctx, flow, &x.line.trace)
		return answer, err
	})
	switch {
	case err != nil:
		return x.line.fail(failed(err))
	case started == nil:
		return passOn(answer)
	}
	return &response{status: 200, contentType: jsonType, body: startedBody(started)}
}

// startedBody is what the vendor's SDK wants, by its names. A URL stands in it as it is.
func startedBody(s *relay.Started) []byte {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	err := e.Encode(struct {
		Code    string `json:"code"`
		AppID   string `json:"appId"`
		UserID  string `json:"userId"`
		OrderNo string `json:"orderNo"`
		Nonce   string `json:"nonce"`
		Version string `json:"version"`
		Sign    string `json:"sign"`
		FaceID  string `json:"faceId,omitempty"`
		Domain  string `json:"optimalDomain,omitempty"`
		URL     string `json:"url,omitempty"`
	}{"0", s.Values.AppID, s.Values.UserID, s.Values.OrderNo, s.Values.Nonce, signer.Version, s.Sign.Reveal(), s.Values.FaceID, s.Domain, s.URL.Reveal()})
	if err != nil {
		panic(err) // text does not fail
	}
	return bytes.TrimSuffix(body.Bytes(), []byte("\n"))
}

// flow reads what is to be started.
func (x *exchange) flow(m members) (f relay.Flow, fail *failure) {
	f.AppID, f.OrderNo, fail = x.order(m)
	if fail != nil {
		return f, fail
	}
	var ok bool
	if f.UserID, ok = m.text("user_id"); !ok || !isUser(f.UserID) {
		return f, failMember("user_id", "must be 1 to 32 letters, digits, - or _")
	}
	if x.to.name == routeStartOCR {
		return f, nil
	}
	product, ok := m.text("product")
	if f.Product = upstream.Product(product); !ok || !f.Product.IsKnown() {
		return f, failMember("product", "must be basic, enhanced, plus, will, h5, h5plus or pch5")
	}
	x.line.product = product
	if f.Product.IsPage() {
		if fail := page(&f, m); fail != nil {
			return f, fail
		}
	}
	f.Body, fail = upload(&f, m)
	return f, fail
}

// page reads what a page of the vendor is told.
func page(f *relay.Flow, m members) *failure {
	var ok bool
	if f.Callback, ok = m.text("url"); !ok || !isWholeURL(f.Callback) {
		return failMember("url", "must be a whole URL, https or http, of at most 1024 bytes")
	}
	for _, c := range [...]struct {
		name string
		to   *string
		may  []string
	}{
		{"result_type", &f.ResultType, []string{"1"}},
		{"from", &f.From, []string{"browser", "app"}},
		{"redirect_type", &f.RedirectType, []string{"1"}},
	} {
		if fail := choose(m, c.name, c.to, c.may...); fail != nil {
			return fail
		}
	}
	return nil
}

// upload puts together what a face id comes from. A name and an id number are needed for a
// comparison with the authority's photo, and may be left out where a photo is sent.
func upload(f *relay.Flow, m members) (*upstream.Body, *failure) {
	name, ok := m.text("name")
	if !ok || !isName(name) {
		return nil, failMember("name", "must be text of at most 128 characters")
	}
	idNo, ok := m.text("id_no")
	if !ok || !isIDNumber(idNo) {
		return nil, failMember("id_no", "must be at most 32 printable characters without spaces")
	}
	photo := m["source_photo"]
	if order.IsUnset(photo) {
		photo = nil
	} else if !isPicture(photo) {
		return nil, failMember("source_photo", "must be a picture in Base64 of at most 1048576 characters")
	}
	switch {
	case name == "" && (idNo != "" || photo == nil):
		return nil, failMember("name", "is required with id_no, or a source_photo without both")
	case idNo == "" && (name != "" || photo == nil):
		return nil, failMember("id_no", "is required with name, or a source_photo without both")
	}
	var photoType, live string
	if fail := choose(m, "source_photo_type", &photoType, "1", "2"); fail != nil {
		return nil, fail
	}
	if fail := choose(m, "live_inter_type", &live, "1"); fail != nil {
		return nil, fail
	}
	if photo == nil {
		photoType = ""
	}
	return upstream.NewBody(
		upstream.Member{Name: "orderNo", Text: f.OrderNo},
		upstream.Member{Name: "userId", Text: f.UserID},
		upstream.Member{Name: "name", Text: name},
		upstream.Member{Name: "idNo", Text: idNo},
		upstream.Member{Name: "sourcePhotoStr", Raw: photo},
		upstream.Member{Name: "sourcePhotoType", Text: photoType},
		upstream.Member{Name: "liveInterType", Text: live},
	), nil
}

// choose reads a member that may be left out, or has one of some values.
func choose(m members, name string, to *string, may ...string) *failure {
	value, ok := m.text(name)
	for _, v := range append(may, "") {
		if ok && value == v {
			*to = value
			return nil
		}
	}
	return failMember(name, "must be "+strings.Join(may, " or "))
}

// isPicture reports whether a JSON value is text in Base64, within the vendor's bound. Some
// encoders write \/ for /.
func isPicture(value []byte) bool {
	if value[0] != '"' {
		return false
	}
	text := value[1 : len(value)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		text = []byte(jsonscan.Text(value))
	}
	return len(text) <= maxPhoto && isBase64(text)
}

func isUser(s string) bool {
	return s != "" && len(s) <= maxUser && !strings.ContainsFunc(s, func(c rune) bool {
		return c != '-' && c != '_' && !order.IsNo(string(c))
	})
}

func isName(s string) bool {
	return utf8.RuneCountInString(s) <= 128 && !strings.ContainsFunc(s, unicode.IsControl)
}

func isIDNumber(s string) bool {
	return len(s) <= 32 && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f })
}

func isWholeURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= 1024 && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}
