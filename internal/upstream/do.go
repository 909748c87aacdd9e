package upstream

import (
	"context"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/signer"
)

// Params are the values of a signed call.
type Params struct {
	AppID  string
	Ticket secret.Text // SIGN

	Body *Body // of a POST; nil: made of OrderNo and Files, for a query

	OrderNo    string // of a query: letters and digits, at most 32
	Files      string // of a query: value of the parameter that Call.AsksFor names, "" none; digits
	WithNative bool   // of an ID card's result

	Limit  int    // bytes of the answer, where Call.Limit is 0
	Room   int    // bytes to leave free in front of the answer, for who extends it in place, and wants its Marks
	Memory Memory // for the answer; nil: the heap
}

// Do makes a signed call. Any JSON with a code is an Answer, whatever the code; errors are
// *Error. It blocks for three attempts at most, each of the Client's timeout, and no longer
// than ctx. A POST is repeated only where nothing was sent; Error.Lost tells of one that
// failed whether it may have arrived. After a Rejected answer, another Do with another ticket
// and the same Params is signed anew.
func (c *Client) Do(ctx context.Context, call Call, p Params) (*Answer, error) {
	k := &round{row: call.row(), path: call.Path(), params: &p, limit: p.Limit, room: p.Room, memory: p.Memory}
	if k.row.limit > 0 {
		k.limit = k.row.limit
	}
	if k.post && p.Body == nil {
		p.Body = NewBody(Member{Name: "orderNo", Text: p.OrderNo}, Member{Name: k.files, Text: p.Files})
	}
	return c.do(ctx, k)
}

// rawQuery makes the query string of the URL.
func (k *round) rawQuery() string {
	switch {
	case k.query != nil:
		return k.query()
	case !k.post:
		return k.params.sign(&k.row)
	case k.traced:
		return k.params.Body.trace()
	}
	return ""
}

// sign makes the signed query string of a GET. What asks for files and get_native are not
// signed (document 1007, OCR result).
func (p *Params) sign(r *row) string {
	nonce := signer.Nonce()
	files, native := "", ""
	if p.Files != "" && r.files != "" {
		files = "&" + r.files + "=" + p.Files
	}
	if p.WithNative && r.native {
		native = "&get_native=1"
	}
	return "app_id=" + p.AppID + "&order_no=" + p.OrderNo + "&nonce=" + nonce + "&version=" + signer.Version +
		"&sign=" + r.signs.Sign(signer.Values{AppID: p.AppID, OrderNo: p.OrderNo, Nonce: nonce}, p.Ticket.Reveal()) + files + native
}

// Query asks for one result.
type Query struct {
	Type       Type
	AppID      string
	OrderNo    string // letters and digits, at most 32
	WithPhotos bool
	WithNative bool // ID card only
	Ticket     secret.Text
	Limit      int    // bytes of the answer
	Room       int    // bytes to leave free in front of the answer, for who extends it in place, and wants its Marks
	Memory     Memory // for the answer; nil: the heap
}

// Result is Do of the type's query.
func (c *Client) Result(ctx context.Context, q Query) (*Answer, error) {
	p := Params{AppID: q.AppID, Ticket: q.Ticket, OrderNo: q.OrderNo, WithNative: q.WithNative, Limit: q.Limit, Room: q.Room, Memory: q.Memory}
	if q.WithPhotos {
		p.Files = "1"
	}
	return c.Do(ctx, q.Type.Call(), p)
}
