package upstream

import (
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"unicode/utf8"
)

// maxDepth bounds the nesting of an answer; the documented ones have three levels.
const maxDepth = 128

// scan checks that body is one JSON object, in UTF-8 as RFC 8259 wants it, and
// returns the text of its member "code", given as a string or a number: "" where
// it has none that can be used. Photos are passed over without being decoded.
// Of several members of a name the last one counts, as it does for the decoders
// that callers use.
func scan(body []byte) (code string, ok bool) {
	s := scanner{text: body}
	ok = s.object(0, func(name string, from, to int) {
		if name == "code" {
			code = scalar(body[from:to])
		}
	})
	s.space()
	return code, ok && s.at == len(body)
}

// member returns the raw value of the member name of the object text, which has
// been scanned before.
func member(text []byte, name string) (value []byte) {
	from, to := place(text, name)
	return text[from:to]
}

// place returns where the value of the member name stands in the object text, which
// has been scanned before; from equals to where it has no such member.
func place(text []byte, name string) (from, to int) {
	s := scanner{text: text}
	s.object(0, func(n string, f, t int) {
		if n == name {
			from, to = f, t
		}
	})
	return from, to
}

// scalar returns the text of a JSON string or number, "" for anything else.
func scalar(value []byte) string {
	switch {
	case value[0] == '"':
		return unquote(value)
	case value[0] == '-' || value[0] >= '0' && value[0] <= '9':
		return string(value)
	}
	return ""
}

// unquote decodes a JSON string that has been scanned.
func unquote(value []byte) string {
	inner := value[1 : len(value)-1]
	for _, c := range inner {
		if c == '\\' {
			var decoded string
			_ = json.Unmarshal(value, &decoded) // cannot fail: it was scanned
			return decoded
		}
	}
	return string(inner)
}

// scanner walks over JSON text. Every method leaves at behind what it accepted
// and reports whether the text was well-formed.
type scanner struct {
	text []byte
	at   int
}

// next skips white space and returns the byte there, 0 at the end.
func (s *scanner) next() byte {
	s.space()
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\n', '\r', '\t':
			s.at++
		default:
			return
		}
	}
}

// object accepts an object and calls visit, where there is one, for every member,
// with the range of its value.
func (s *scanner) object(depth int, visit func(name string, from, to int)) bool {
	if s.next() != '{' || depth == maxDepth {
		return false
	}
	s.at++
	if s.next() == '}' {
		s.at++
		return true
	}
	for {
		if s.next() != '"' {
			return false
		}
		from := s.at
		if !s.string() {
			return false
		}
		name := s.text[from:s.at]
		if s.next() != ':' {
			return false
		}
		s.at++
		s.space()
		from = s.at
		if !s.value(depth + 1) {
			return false
		}
		if visit != nil {
			visit(unquote(name), from, s.at)
		}
		if done, ok := s.separator('}'); done || !ok {
			return ok
		}
	}
}

func (s *scanner) array(depth int) bool {
	if depth == maxDepth {
		return false
	}
	s.at++
	if s.next() == ']' {
		s.at++
		return true
	}
	for {
		s.space()
		if !s.value(depth + 1) {
			return false
		}
		if done, ok := s.separator(']'); done || !ok {
			return ok
		}
	}
}

// separator accepts a comma, or the end of an object or array.
func (s *scanner) separator(end byte) (done, ok bool) {
	c := s.next()
	if c != ',' && c != end {
		return false, false
	}
	s.at++
	return c == end, true
}

func (s *scanner) value(depth int) bool {
	if s.at == len(s.text) {
		return false
	}
	switch c := s.text[s.at]; {
	case c == '"':
		return s.string()
	case c == '{':
		return s.object(depth, nil)
	case c == '[':
		return s.array(depth)
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

func (s *scanner) literal(word string) bool {
	if len(s.text)-s.at < len(word) || string(s.text[s.at:s.at+len(word)]) != word {
		return false
	}
	s.at += len(word)
	return true
}

func (s *scanner) number() bool {
	if s.is('-') {
		s.at++
	}
	if s.is('0') {
		s.at++
	} else if !s.digits() {
		return false
	}
	if s.is('.') {
		s.at++
		if !s.digits() {
			return false
		}
	}
	if s.is('e') || s.is('E') {
		s.at++
		if s.is('+') || s.is('-') {
			s.at++
		}
		return s.digits()
	}
	return true
}

func (s *scanner) is(c byte) bool { return s.at < len(s.text) && s.text[s.at] == c }

func (s *scanner) digits() bool {
	from := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > from
}

// string accepts a string; at is on its opening quote. Plain ASCII, the whole of
// a photo, goes by eight bytes at a time.
func (s *scanner) string() bool {
	s.at++
	for {
		for len(s.text)-s.at >= 8 {
			if mark := special(binary.LittleEndian.Uint64(s.text[s.at:])); mark != 0 {
				s.at += bits.TrailingZeros64(mark) / 8
				break
			}
			s.at += 8
		}
		if s.at == len(s.text) {
			return false
		}
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return true
		case c == '\\':
			if !s.escape() {
				return false
			}
		case c < ' ':
			return false
		case c < utf8.RuneSelf:
			s.at++
		default:
			r, size := utf8.DecodeRune(s.text[s.at:])
			if r == utf8.RuneError && size == 1 {
				return false
			}
			s.at += size
		}
	}
}

// special marks, by the high bit of each, the bytes of word that end or interrupt
// a run of plain characters: quote, backslash, control characters, non-ASCII. The
// lowest mark is exact; a borrow may set false ones above it.
func special(word uint64) uint64 {
	const low, high = 0x0101010101010101, 0x8080808080808080
	quote := word ^ '"'*low
	slash := word ^ '\\'*low
	return ((quote-low)&^quote | (slash-low)&^slash | (word-' '*low)&^word | word) & high
}

func (s *scanner) escape() bool {
	s.at++
	if s.at == len(s.text) {
		return false
	}
	switch s.text[s.at] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at++
		return true
	case 'u':
		s.at++
		for range 4 {
			if s.at == len(s.text) || !isHex(s.text[s.at]) {
				return false
			}
			s.at++
		}
		return true
	}
	return false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
