package upstream

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"kyc-ocr-relay/internal/jsonscan"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/signer"
)

// Body is the JSON object of a POST, of which Do sets four members: the app, version, nonce and
// sign. Everything else goes to the vendor byte for byte. A Body shares memory with what it
// was read from and does not change; it may be sent again, after another one or at the same
// time, and has a nonce and a sign of its own each time.
type Body struct {
	// AppID is the app that the caller named, "" if none. Do replaces it.
	AppID string
	// OrderNo and UserID stand in the body, and are signed where the call signs them; ""
	// where they are left out. Their lengths and letters were not looked at.
	OrderNo, UserID string

	name, idNo string
	nonce      string   // the caller's, which is replaced
	proof      string   // the caller's sign, which is replaced
	appMember  string   // the caller's name for the app, "" if none
	rest       [][]byte // of the object, behind the four members and a comma, without its "}"
	size       int      // of rest
}

// Format prints a placeholder, whatever the verb and flags: a body has names, numbers of
// identity cards and photos.
func (Body) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[body]") }

// MarshalText returns the placeholder; encoding/json and log/slog use it.
func (Body) MarshalText() ([]byte, error) { return []byte("[body]"), nil }

// BodyError is why a body cannot be sent.
type BodyError struct {
	// Member is the member that is wrong, by the vendor's name for it: given twice, missing
	// though it is signed, or no string. "" if the body is not one JSON object in UTF-8, or has
	// more than a thousand members.
	Member string
	// Twice says that the member was given twice, which is two names for the app, too.
	Twice bool
}

func (e *BodyError) Error() string {
	switch {
	case e.Member == "":
		return "the body is not one JSON object of few members"
	case e.Twice:
		return "a member is given twice"
	}
	return "the member " + e.Member + " is missing, or no text, or too long"
}

// maxText bounds the members that are signed, as they stand. Pages have 32 bytes for an order
// number and a user; a name may be longer, in escapes.
const maxText = 128*len(`\u0000`) + len(`""`)

// maxMembers bounds the memory that telling them apart takes. No page has twenty.
const maxMembers = 1000

// ReadBody takes the body of a call as a caller gave it. It goes through text once, decodes
// only what the call signs, and does not copy it. Errors are *BodyError.
func ReadBody(call Call, text []byte) (*Body, error) {
	needed := signedMembers(call.row().signs)
	r := reader{text: text, texts: needed, seen: make(map[string]bool, 16)}
	if !jsonscan.Walk(text, r.member) {
		if r.wrong != nil {
			return nil, r.wrong
		}
		return nil, &BodyError{}
	}
	r.keep(r.end)
	for _, name := range needed {
		if *r.body.field(name) == "" && name != "name" && name != "idNo" { // a photo may stand for those two
			return nil, &BodyError{Member: name}
		}
	}
	return &r.body, nil
}

// signedMembers returns what is read of a body for the sake of its sign, and the order number
// for that of the URL.
func signedMembers(u signer.Use) []string {
	switch u {
	case signer.ByOrder:
		return []string{"orderNo"}
	case signer.ByUser:
		return []string{"orderNo", "userId"}
	case signer.ByName:
		return []string{"orderNo", "userId", "name", "idNo"}
	}
	return nil
}

// field returns where the value of a member is kept, nil for most.
func (b *Body) field(member string) *string {
	switch member {
	case "orderNo":
		return &b.OrderNo
	case "userId":
		return &b.UserID
	case "name":
		return &b.name
	case "idNo":
		return &b.idNo
	}
	if slices.Contains(appMembers, member) {
		return &b.AppID
	}
	return nil
}

// IsSigned reports whether the caller has signed the body for a call of an app with a ticket.
func (b *Body) IsSigned(call Call, appID string, ticket secret.Text) bool {
	v := signer.Values{AppID: appID, OrderNo: b.OrderNo, UserID: b.UserID, Name: b.name, IDNo: b.idNo, Nonce: b.nonce}
	return (isNonce(b.nonce) || call.row().signs == signer.ByName) && call.row().signs.Verify(v, ticket.Reveal(), b.proof)
}

// reader cuts a body into what goes on and what is replaced.
type reader struct {
	text  []byte
	texts []string // the members to read
	body  Body
	seen  map[string]bool
	from  int // where what goes on and is not kept yet begins
	end   int // of the last member
	wrong *BodyError
}

func (r *reader) member(name string, from, to int) bool {
	begin := r.end // of the comma in front of the member, or of the object
	r.end = to
	isApp := slices.Contains(appMembers, name)
	if len(r.seen) == maxMembers {
		return false
	}
	if r.seen[name] || isApp && r.body.appMember != "" {
		r.wrong = &BodyError{Member: name, Twice: true}
		return false
	}
	r.seen[name] = true
	if isApp || slices.Contains(r.texts, name) {
		text := ""
		value := r.text[from:to]
		if value[0] == '"' && len(value) <= maxText {
			text = jsonscan.Text(value)
		}
		// Half a character in escapes is one that the vendor signs otherwise, if at all.
		if text == "" && string(value) != `""` || strings.ContainsRune(text, utf8.RuneError) {
			r.wrong = &BodyError{Member: name}
			return false
		}
		*r.body.field(name) = text
	}
	if isApp {
		r.body.appMember = name
	}
	switch value := r.text[from:to]; {
	case len(value) > maxText:
	case name == "nonce":
		r.body.nonce = jsonscan.Text(value)
	case name == "sign":
		r.body.proof = jsonscan.Text(value)
	}
	if isApp || name == "version" || name == "nonce" || name == "sign" {
		r.keep(begin)
		r.from = to
	}
	return true
}

// keep passes on what stands before end. A part begins with the comma in front of its first
// member, but for the first member of all: it has the bracket in the comma's place.
func (r *reader) keep(end int) {
	part := r.text[r.from:end]
	if r.from == 0 && end > 0 {
		part = part[bytes.IndexByte(part, '{')+1:]
		if len(part) > 0 {
			r.body.add([]byte(","))
		}
	}
	if len(part) > 0 {
		r.body.add(part)
	}
}

func (b *Body) add(part []byte) {
	b.rest = append(b.rest, part)
	b.size += len(part)
}

// Member is one of a body that is put together here. One with neither Text nor Raw is left
// out.
type Member struct {
	Name string
	Text string
	Raw  []byte // in place of Text: a JSON value as it stands, which is not copied
}

// NewBody puts a body together. The members do not repeat, and are none of the four that Do
// sets.
func NewBody(members ...Member) *Body {
	b := new(Body)
	var open []byte
	for _, m := range members {
		if m.Text == "" && len(m.Raw) == 0 {
			continue
		}
		open = append(append(append(open, `,"`...), m.Name...), `":`...)
		if len(m.Raw) == 0 {
			open = appendText(open, m.Text)
			if field := b.field(m.Name); field != nil {
				*field = m.Text
			}
			continue
		}
		if field := b.field(m.Name); field != nil {
			*field = jsonscan.Text(m.Raw)
		}
		b.add(open)
		b.add(m.Raw)
		open = nil
	}
	if len(open) > 0 {
		b.add(open)
	}
	return b
}

func appendText(b []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // cannot fail
	return append(b, quoted...)
}

// sign returns what is sent, with a new nonce and its sign, in pieces that are used up by
// sending them; a second list has the same pieces.
func (b *Body) sign(use signer.Use, p *Params) (pieces net.Buffers, size int) {
	v := signer.Values{AppID: p.AppID, OrderNo: b.OrderNo, UserID: b.UserID, Name: b.name, IDNo: b.idNo}
	member := b.appMember
	if member == "" {
		member = appMembers[0]
	}
	head := append(make([]byte, 0, 192), `{"`...)
	head = append(append(head, member...), `":`...)
	head = append(appendText(head, p.AppID), `,"version":"`+signer.Version+`"`...)
	if use != signer.ByName { // which has no nonce
		v.Nonce = signer.Nonce()
		head = append(append(append(head, `,"nonce":"`...), v.Nonce...), '"')
	}
	head = append(append(append(head, `,"sign":"`...), use.Sign(v, p.Ticket.Reveal())...), '"')

	pieces = append(make(net.Buffers, 0, len(b.rest)+2), head)
	pieces = append(append(pieces, b.rest...), []byte("}"))
	return pieces, len(head) + b.size + 1
}

// trace is the query string of a POST whose order number stands in the URL.
func (b *Body) trace() string { return "orderNo=" + url.QueryEscape(b.OrderNo) }
