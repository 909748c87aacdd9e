package handler

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"strconv"
	"strings"
)

// http answers an HTTP request that came as an event, of API Gateway or of a
// Function URL. It always returns a response: an error would reach the client with
// an unspecified status.
func (h *Handler) http(ctx context.Context, id string, event map[string]json.RawMessage) ([]byte, error) {
	req := &request{
		id:     id,
		method: text(event["httpMethod"]),
		path:   text(event["path"]),
		limit:  PlatformLimit,
		event:  true,
	}
	req.query = decodeQuery(event["queryString"])
	if req.query == nil {
		req.query = decodeQuery(event["queryStringParameters"])
	}
	for _, p := range decodePairs(event["headers"]) {
		if strings.EqualFold(p.name, "Authorization") {
			req.authorization = append(req.authorization, p.value)
		}
	}
	resp := h.serve(ctx, req)
	if resp.payload == nil {
		return resp.encode(id), nil
	}
	return resp.payload, nil
}

// decodeQuery reads the query of an event: an object, or the raw text.
func decodeQuery(raw json.RawMessage) []param {
	if raw := text(raw); raw != "" {
		return parseQuery(strings.TrimPrefix(raw, "?"))
	}
	return decodePairs(raw)
}

// decodePairs reads an object of names and values, in the forms that events come
// with: text, a list for a name given several times, true for a name without a
// value, numbers, null. Nothing is merged: a name given twice, in whatever way, is
// two pairs.
func decodePairs(raw json.RawMessage) (pairs []param) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return pairs
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return pairs
		}
		var list []json.RawMessage
		if value[0] != '[' || json.Unmarshal(value, &list) != nil {
			list = []json.RawMessage{value}
		}
		for _, v := range list {
			pairs = append(pairs, param{name.(string), plain(v)})
		}
	}
	return pairs
}

// plain is the text of a value: of a string what it holds, of true and null nothing,
// else the JSON itself.
func plain(raw json.RawMessage) string {
	switch string(raw) {
	case "true", "null":
		return ""
	}
	if raw[0] == '"' {
		return text(raw)
	}
	return string(raw)
}

// encode makes the response the return value that the platform turns into HTTP.
func (r *response) encode(id string) []byte {
	payload := make([]byte, 0, len(r.body)+len(r.body)/32+512)
	payload = append(payload, `{"isBase64Encoded":`...)
	payload = strconv.AppendBool(payload, r.base64)
	payload = append(payload, `,"statusCode":`...)
	payload = strconv.AppendInt(payload, int64(r.status), 10)
	payload = append(payload, `,"headers":{`...)
	first := true
	r.headers(id, func(name, value string) {
		if !first {
			payload = append(payload, ',')
		}
		first = false
		payload = append(appendText(payload, []byte(name)), ':')
		payload = appendText(payload, []byte(value))
	})
	payload = append(payload, `},"body":`...)
	payload = appendText(payload, r.body)
	return append(payload, '}')
}

// appendText appends text, which is UTF-8, as a JSON string.
func appendText(dst, text []byte) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	for len(text) > 0 {
		n := plainRun(text)
		dst = append(dst, text[:n]...)
		if text = text[n:]; len(text) == 0 {
			break
		}
		switch c := text[0]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		text = text[1:]
	}
	return append(dst, '"')
}

// plainRun returns how many bytes at the start of text need no escape, looking at
// eight at a time.
func plainRun(text []byte) int {
	const low, high = 0x0101010101010101, 0x8080808080808080
	n := 0
	for len(text)-n >= 8 {
		word := binary.LittleEndian.Uint64(text[n:])
		quote, slash := word^'"'*low, word^'\\'*low
		if mark := ((quote-low)&^quote | (slash-low)&^slash | (word-' '*low)&^word) & high; mark != 0 {
			return n + bits.TrailingZeros64(mark)/8
		}
		n += 8
	}
	for n < len(text) && text[n] != '"' && text[n] != '\\' && text[n] >= ' ' {
		n++
	}
	return n
}
