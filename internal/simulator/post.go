package simulator

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// maxBody bounds what a POST may weigh. No page says what the vendor takes; a picture of
// 3 MB is the largest that one speaks of.
const maxBody = 10 << 20

// readBody returns the body of a call, which an interceptor may read once more. A body
// that is too long is refused by a proxy in front of the API.
func readBody(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		page(w, http.StatusRequestEntityTooLarge, "413 Request Entity Too Large")
		return nil, false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, err == nil
}

// judgePost judges the message of a POST, its query and the members of its body.
func judgePost(q *request, body []byte, breaks breakFunc) {
	r := q.http
	if r.Method != http.MethodPost {
		breaks("400101", "wrong method, POST expected")
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		breaks("400101", "Content-Type is not application/json")
	}
	if r.ContentLength < 0 {
		breaks("400101", "the length of the body is not announced")
	}
	judgeHeaders(r, append([]string{"Content-Length", "Content-Type"}, harmlessHeaders...), breaks)
	judgeMembers(q, body, breaks)
	q.judgeMissing(breaks)

	given, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		breaks("400101", "malformed query")
	}
	for _, name := range sortedNames(given) {
		switch {
		case !q.traced || name != "orderNo":
			breaks("400101", "unknown parameter %.80q", name)
		case len(given[name]) > 1 || given[name][0] != q.values["orderNo"]:
			breaks("400101", "the orderNo of the URL is not that of the body")
		}
	}
	if q.traced && len(given["orderNo"]) == 0 {
		breaks("400101", "no orderNo in the URL")
	}
}

// judgeMembers takes the members of the body, which is one JSON object of strings.
func judgeMembers(q *request, body []byte, breaks breakFunc) {
	d := json.NewDecoder(bytes.NewReader(body))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		breaks("400101", "the body is no JSON object")
		return
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		name, _ := token.(string)
		var raw json.RawMessage
		if err == nil {
			err = d.Decode(&raw)
		}
		if err != nil {
			breaks("400101", "the body is no JSON object")
			return
		}
		if seen[name] {
			breaks("400101", "repeated member %.80s", name)
		}
		seen[name] = true
		q.member(name, raw, breaks)
	}
	if _, err := d.Token(); err != nil {
		breaks("400101", "the body is no JSON object")
	} else if _, err := d.Token(); err != io.EOF {
		breaks("400101", "something follows the JSON object")
	}
}

func (q *request) member(name string, raw json.RawMessage, breaks breakFunc) {
	if !q.documents(name) {
		if !q.open {
			breaks("400101", "unknown member %.80q", name)
		}
		return
	}
	var value string
	if raw[0] != '"' || json.Unmarshal(raw, &value) != nil {
		breaks("400101", "%s is not a string", name)
		return
	}
	q.values[name] = value
	limit, picture := pictureMembers[name]
	if !picture || value == "" {
		return
	}
	if limit > 0 && len(value) > limit {
		breaks("66660000", "%s is longer than %d bytes", name, limit)
	}
	if !isPicture(value) {
		breaks("400101", "%s is no picture in Base64", name)
	}
}

// isPicture reports whether the text is Base64 of a JPEG, PNG or BMP.
func isPicture(text string) bool {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	switch http.DetectContentType(raw) {
	case "image/jpeg", "image/png", "image/bmp":
		return true
	}
	return false
}
