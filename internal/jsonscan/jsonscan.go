// Package jsonscan walks over JSON text and copies nothing: photos are passed over without
// being decoded, and of a small request the decoders of encoding/json are the greatest part.
//
// Of several members of a name the last one counts, as it does for those decoders.
package jsonscan

import (
	"bytes"
	"encoding/json"
	"iter"
	"unicode/utf8"
)

const (
	// maxDepth bounds the nesting of what is checked; the documented answers have three levels.
	maxDepth = 128
	// maxLooseDepth is what encoding/json takes.
	maxLooseDepth = 10000
)

// Check reports whether text is one JSON object, in UTF-8 as RFC 8259 wants it, and returns
// the value of its member name, empty where it has none.
//
// If mark, marks are the positions in text that have to be escaped where it is to be put into
// a JSON string; nil if they are very many.
func Check(text []byte, name string, mark bool) (value []byte, marks []int32, ok bool) {
	s := scanner{text: text, depth: maxDepth}
	if mark {
		s.marks = make([]int32, 0, 128)
	}
	ok = s.object(0, func(quoted []byte, from, to int) bool {
		if isNamed(quoted, name) {
			value = text[from:to]
		}
		return true
	})
	s.space()
	return value, s.marks, ok && s.at == len(text)
}

// Find returns where the value of the member name stands in the object text, which is valid;
// from equals to where it has no such member.
func Find(text []byte, name string) (from, to int) {
	s := loose(text)
	s.object(0, func(quoted []byte, f, t int) bool {
		if isNamed(quoted, name) {
			from, to = f, t
		}
		return true
	})
	return from, to
}

// Member returns the value that Find finds.
func Member(text []byte, name string) []byte {
	from, to := Find(text, name)
	return text[from:to]
}

// Decode returns the members of the object text, and takes what encoding/json takes. The values
// share memory with text.
func Decode(text []byte) (object map[string]json.RawMessage, ok bool) {
	s := loose(text)
	if s.next() != '{' {
		return nil, false
	}
	object = make(map[string]json.RawMessage, 8)
	ok = s.object(0, func(quoted []byte, from, to int) bool {
		object[Text(quoted)] = text[from:to:to]
		return true
	})
	s.space()
	if !ok || s.at < len(text) {
		return nil, false
	}
	return object, true
}

// Places ranges over the members of an object that is valid, in their order: the name, and
// where the value stands.
func Places(object []byte, visit func(name string, from, to int)) {
	s := loose(object)
	s.object(0, func(quoted []byte, from, to int) bool {
		visit(Text(quoted), from, to)
		return true
	})
}

// Members ranges over the members of an object that is valid, in their order; what is no
// object has none.
func Members(object []byte) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		s := loose(object)
		s.object(0, func(quoted []byte, from, to int) bool { return yield(Text(quoted), object[from:to:to]) })
	}
}

// Items ranges over the elements of an array that is valid; what is no array has none.
func Items(array []byte) iter.Seq[json.RawMessage] {
	return func(yield func(json.RawMessage) bool) {
		s := loose(array)
		s.array(0, func(from, to int) bool { return yield(array[from:to:to]) })
	}
}

// Text returns what a JSON string holds, "" for anything else.
func Text(value []byte) string {
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	inner := value[1 : len(value)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var decoded string
	_ = json.Unmarshal(value, &decoded) // cannot fail: it is valid
	return decoded
}

// Scalar returns the text of a JSON string or number, "" for anything else.
func Scalar(value []byte) string {
	if len(value) > 0 && (value[0] == '-' || value[0] >= '0' && value[0] <= '9') {
		return string(value)
	}
	return Text(value)
}

// isNamed reports whether the JSON string quoted is name.
func isNamed(quoted []byte, name string) bool {
	inner := quoted[1 : len(quoted)-1]
	return string(inner) == name || bytes.IndexByte(inner, '\\') >= 0 && Text(quoted) == name
}
