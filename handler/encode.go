package handler

import (
	"encoding/binary"
	"math/bits"
	"strconv"
)

// eventRoom is left in front of the upstream's answer for what encode puts there: the
// head, about 300 bytes, and a backslash for each quote of the answer.
const eventRoom = 1 << 10

// encode makes the response the return value that the platform turns into HTTP. An
// answer of the upstream becomes it in place: with megabytes of photos, a second buffer
// would double what an instance needs.
func (r *response) encode(id string) []byte {
	head := make([]byte, 0, 512)
	head = append(head, `{"isBase64Encoded":`...)
	head = strconv.AppendBool(head, r.base64)
	head = append(head, `,"statusCode":`...)
	head = strconv.AppendInt(head, int64(r.status), 10)
	head = append(head, `,"headers":{`...)
	first := true
	r.headers(id, func(name, value string) {
		if !first {
			head = append(head, ',')
		}
		first = false
		head = append(appendText(head, []byte(name)), ':')
		head = appendText(head, []byte(value))
	})
	head = append(head, `},"body":`...)
	const around = len(`""}`)
	if room := len(r.buffer) - len(r.body); r.marks != nil && len(head)+len(r.marks)+around <= room {
		return r.encodeInPlace(head)
	}
	payload := make([]byte, 0, len(head)+len(r.body)+len(r.body)/32+around)
	payload = appendText(append(payload, head...), r.body)
	return append(payload, '}')
}

// encodeInPlace moves the body forward in its buffer, behind head, with a backslash for
// each mark. The writing never overtakes the reading: there is room for all of them.
func (r *response) encodeInPlace(head []byte) []byte {
	payload := append(append(r.buffer[:0], head...), '"')
	done := 0
	for _, mark := range r.marks {
		payload = append(payload, r.body[done:mark]...)
		c := r.body[mark]
		switch c {
		case '\n':
			c = 'n'
		case '\r':
			c = 'r'
		case '\t':
			c = 't'
		}
		payload = append(payload, '\\', c)
		done = int(mark) + 1
	}
	payload = append(payload, r.body[done:]...)
	return append(payload, '"', '}')
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
