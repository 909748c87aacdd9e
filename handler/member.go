package handler

import (
	"bytes"
	"encoding/json"
	"iter"
)

// What is here walks over JSON that encoding/json has found valid, and copies nothing: of
// a small request its decoders are the greatest part.

// decodeEvent returns the members of an event, of several of a name the last. The values
// share memory with payload.
func decodeEvent(payload []byte) (event map[string]json.RawMessage, ok bool) {
	w := walker{text: payload}
	if !json.Valid(payload) || w.next() != '{' {
		return nil, false
	}
	event = make(map[string]json.RawMessage, 8)
	for name, value := range members(payload) {
		event[name] = value
	}
	return event, true
}

// members ranges over the members of an object, in their order; what is no object has none.
func members(object []byte) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for w := begin(object, '{'); w.more('}'); {
			name := w.value()
			w.next()
			if !yield(text(name), w.value()) {
				return
			}
		}
	}
}

// items ranges over the elements of an array; what is no array has none.
func items(array []byte) iter.Seq[json.RawMessage] {
	return func(yield func(json.RawMessage) bool) {
		for w := begin(array, '['); w.more(']'); {
			if !yield(w.value()) {
				return
			}
		}
	}
}

// text returns a JSON string, "" for anything else.
func text(raw json.RawMessage) string {
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	inner := raw[1 : len(raw)-1]
	for _, c := range inner {
		if c == '\\' || c >= 0x80 {
			var s string
			_ = json.Unmarshal(raw, &s) // cannot fail: it is valid
			return s
		}
	}
	return string(inner)
}

// walker is a place in valid JSON.
type walker struct {
	text []byte
	at   int
}

// begin enters a value that opens with open; of any other there is no more.
func begin(text []byte, open byte) *walker {
	w := &walker{text: text}
	if w.next() != open {
		w.at = len(text)
	}
	w.at++
	return w
}

// more goes to what comes next, unless that is end.
func (w *walker) more(end byte) bool {
	c := w.next()
	return c != end && c != 0
}

// next skips what is between values and returns the byte there, 0 at the end.
func (w *walker) next() byte {
	for ; w.at < len(w.text); w.at++ {
		switch c := w.text[w.at]; c {
		case ' ', '\t', '\n', '\r', ',', ':':
		default:
			return c
		}
	}
	return 0
}

// value returns the value that begins here, and goes behind it.
func (w *walker) value() json.RawMessage {
	from, depth := w.at, 0
	for {
		switch w.text[w.at] {
		case '"':
			w.string()
		case '{', '[':
			depth++
			w.at++
		case '}', ']':
			depth--
			w.at++
		default:
			w.scalar()
		}
		if depth == 0 {
			return w.text[from:w.at:w.at]
		}
		w.next()
	}
}

func (w *walker) string() {
	for {
		w.at++
		w.at += bytes.IndexByte(w.text[w.at:], '"')
		escapes := 0
		for w.text[w.at-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			w.at++
			return
		}
	}
}

// scalar goes behind a number, true, false or null.
func (w *walker) scalar() {
	for w.at < len(w.text) && bytes.IndexByte([]byte(" \t\n\r,:]}"), w.text[w.at]) < 0 {
		w.at++
	}
}
