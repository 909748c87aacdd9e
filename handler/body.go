package handler

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"

	"kyc-ocr-relay/internal/budget"
	"kyc-ocr-relay/internal/jsonscan"
	"kyc-ocr-relay/internal/order"
	"kyc-ocr-relay/internal/scf"
)

// bodyLimit bounds the body of a request: what the platform takes (SCF quotas, document 583).
const bodyLimit = scf.ResponseLimit

// smallBody is what a request may have that is admitted without further ado.
const smallBody = 8 << 10

var (
	errBodyTooLarge = errors.New("the body is larger than 6 MB")
	errBody         = errors.New("the body cannot be read")
	errNoMemory     = errors.New("no memory left for the body")
)

// readBody reads the body of a request to the Web function, and takes what it needs of the
// memory for answers.
func readBody(r *http.Request, hold *budget.Hold) ([]byte, error) {
	if r.ContentLength > bodyLimit {
		return nil, errBodyTooLarge
	}
	size := int(r.ContentLength)
	if size < 0 {
		size = 64 << 10 // of a length that is not announced
	}
	var body []byte
	for {
		grown, ok := hold.Take(size + 1) // one more tells whether that is all
		if !ok {
			return nil, errNoMemory
		}
		n := copy(grown, body)
		if body != nil {
			hold.Give(len(body))
			budget.Keep(body)
		}
		more, err := io.ReadFull(r.Body, grown[n:])
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return grown[:n+more], nil
		case err != nil:
			return nil, errBody
		case len(grown) > bodyLimit:
			return nil, errBodyTooLarge
		}
		body, size = grown, min(4*len(grown), bodyLimit)
	}
}

// eventBody returns the body of an HTTP request that came as an event.
func eventBody(e event) ([]byte, error) {
	text := []byte(jsonscan.Text(e["body"]))
	if string(e["isBase64Encoded"]) == "true" {
		n, err := base64.StdEncoding.Decode(text, text)
		if err != nil {
			return nil, errBody
		}
		text = text[:n]
	}
	if len(text) > bodyLimit {
		return nil, errBodyTooLarge
	}
	return text, nil
}

// read reads the body of the request.
func (req *request) read() ([]byte, *failure) {
	if !req.admit(req.large) {
		return nil, &failLimit
	}
	text, err := req.source()
	switch err {
	case nil:
		req.bodyRead = true
		return text, nil
	case errBodyTooLarge:
		return nil, &failBodyTooLarge
	case errNoMemory:
		return nil, &failLimit
	}
	return nil, &failBody
}

// body reads the members of the body in known.
func (x *exchange) body(known ...string) (members, *failure) {
	text, fail := x.read()
	if fail != nil {
		return nil, fail
	}
	return decodeBody(text, known...)
}

// order reads which order of which app the body names.
func (x *exchange) order(m members) (app, no string, fail *failure) {
	app, no = x.relay.DefaultApp, ""
	if !order.IsUnset(m["app_id"]) {
		app, _ = m.text("app_id")
	}
	no, _ = m.text("order_no")
	return app, no, x.mayAsk(&app, &no)
}

// members are those of a request's body, by name, each at most once.
type members map[string][]byte

// mostMembers bounds what telling members apart takes of the memory; no route has twenty.
const mostMembers = 1000

// decodeBody reads a body of which the members in known are wanted: one JSON object in UTF-8.
func decodeBody(body []byte, known ...string) (members, *failure) {
	found, n, twice := members{}, 0, ""
	ok := jsonscan.Walk(body, func(name string, from, to int) bool {
		n++
		for _, k := range known {
			if name != k {
				continue
			}
			if _, again := found[name]; again {
				twice = name
			}
			found[name] = body[from:to:to]
		}
		return n <= mostMembers && twice == ""
	})
	switch {
	case twice != "":
		return nil, failDuplicate(twice)
	case !ok:
		return nil, &failBody
	}
	return found, nil
}

// text returns a member that is a string or a number, "" where it is left out: not there, null
// or "". ok is false for any other value.
func (m members) text(name string) (value string, ok bool) {
	raw := m[name]
	if len(raw) == 0 || string(raw) == "null" {
		return "", true
	}
	value = jsonscan.Scalar(raw)
	return value, value != "" || string(raw) == `""`
}

// failMember says that a member of the body breaks its documented length or alphabet.
func failMember(name, must string) *failure {
	var code strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		code.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return &failure{status: 400, code: codeParameter + code.String(), msg: name + " " + must}
}
