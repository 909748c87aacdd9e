package jsonscan

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// scanner walks over JSON text. Every method leaves at behind what it accepted
// and reports whether the text was well-formed.
type scanner struct {
	text  []byte
	at    int
	depth int  // how deep text may be nested
	loose bool // strings need not be UTF-8

	// marks has the positions that have to be escaped where text is to be put into a
	// JSON string; nil: they are not asked for.
	marks []int32
}

// loose returns a scanner that takes what encoding/json takes.
func loose(text []byte) scanner { return scanner{text: text, depth: maxLooseDepth, loose: true} }

// maxMarks bounds marks. An answer has some hundred, for its quotes; of a text with
// very many they are not kept.
const maxMarks = 2048

func (s *scanner) mark(at int) {
	if s.marks == nil || len(s.marks) == maxMarks {
		s.marks = nil
		return
	}
	s.marks = append(s.marks, int32(at)) // #nosec G115 -- no answer has 2 GB
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
		case ' ':
			s.at++
		case '\n', '\r', '\t':
			s.mark(s.at)
			s.at++
		default:
			return
		}
	}
}

// object accepts an object and calls visit, where there is one, for every member, with its
// name as it stands, in quotes, and the range of its value, until it returns false.
func (s *scanner) object(depth int, visit func(name []byte, from, to int) bool) bool {
	if s.next() != '{' || depth == s.depth {
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
		if visit != nil && !visit(name, from, s.at) {
			return false
		}
		if done, ok := s.separator('}'); done || !ok {
			return ok
		}
	}
}

// array accepts an array, and calls visit as object does.
func (s *scanner) array(depth int, visit func(from, to int) bool) bool {
	if s.next() != '[' || depth == s.depth {
		return false
	}
	s.at++
	if s.next() == ']' {
		s.at++
		return true
	}
	for {
		s.space()
		from := s.at
		if !s.value(depth + 1) {
			return false
		}
		if visit != nil && !visit(from, s.at) {
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
		return s.array(depth, nil)
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

// string accepts a string; at is on its opening quote. A photo is one of megabytes:
// the searches for its end and for a backslash are the library's vectorised ones, and
// each byte is searched once.
func (s *scanner) string() bool {
	s.mark(s.at)
	s.at++
	quote := 0
	for {
		if quote < s.at {
			n := bytes.IndexByte(s.text[s.at:], '"')
			if n < 0 {
				return false
			}
			quote = s.at + n
		}
		run := s.text[s.at:quote]
		if n := bytes.IndexByte(run, '\\'); n >= 0 {
			run = run[:n]
		}
		if !isText(run, s.loose) {
			return false
		}
		if s.at += len(run); s.at == quote {
			s.mark(s.at)
			s.at++
			return true
		}
		if !s.escape() {
			return false
		}
	}
}

// isText reports whether run has no control characters and, unless loose, is UTF-8.
func isText(run []byte, loose bool) bool {
	rest := run[asciiText(run):]
	ascii := true
	for _, c := range rest {
		if c < ' ' {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return ascii || loose || utf8.Valid(rest)
}

// asciiText returns how many bytes at the start of text are surely ASCII without control
// characters, in blocks of 64.
func asciiText(text []byte) int {
	// The high bit of a byte of found tells that it is not ASCII, or below a space.
	const first, high = 0x0101010101010101 * ' ', 0x8080808080808080
	n := 0
	for ; len(text)-n >= 64; n += 64 {
		block := (*[64]byte)(text[n:])
		// Four words at a time by hand: the compiler unrolls no loops.
		a, b := binary.LittleEndian.Uint64(block[0:]), binary.LittleEndian.Uint64(block[8:])
		c, d := binary.LittleEndian.Uint64(block[16:]), binary.LittleEndian.Uint64(block[24:])
		found := a | b | c | d | (a - first) | (b - first) | (c - first) | (d - first)
		a, b = binary.LittleEndian.Uint64(block[32:]), binary.LittleEndian.Uint64(block[40:])
		c, d = binary.LittleEndian.Uint64(block[48:]), binary.LittleEndian.Uint64(block[56:])
		found |= a | b | c | d | (a - first) | (b - first) | (c - first) | (d - first)
		if found&high != 0 {
			break
		}
	}
	return n
}

func (s *scanner) escape() bool {
	s.mark(s.at)
	s.at++
	if s.at == len(s.text) {
		return false
	}
	switch c := s.text[s.at]; c {
	case '"', '\\':
		s.mark(s.at)
		s.at++
		return true
	case '/', 'b', 'f', 'n', 'r', 't':
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
