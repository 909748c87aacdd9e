package delivery

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"strconv"
)

// errBase64 is returned for a text that is not standard Base64 with padding.
var errBase64 = errors.New("the photo is not Base64")

// decoder reads the bytes that a JSON string holds as Base64, straight from the text
// of the answer. Escaped slashes and line breaks, which some encoders make, are taken.
type decoder struct {
	text []byte // what is left, without the quotes
	out  []byte // decoded, in data
	last bool   // padding came: nothing may follow
	err  error

	chars [4096]byte // a multiple of four
	data  [3072]byte
}

func newDecoder(text []byte) *decoder { return &decoder{text: text} }

// Read implements io.Reader. Its errors are io.EOF and errBase64.
func (d *decoder) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(d.out) == 0 && d.err == nil {
		d.err = d.fill()
	}
	if len(d.out) == 0 {
		return 0, d.err
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

// fill decodes the next block.
func (d *decoder) fill() error {
	n := 0
	for n < len(d.chars) && len(d.text) > 0 {
		run := bytes.IndexByte(d.text, '\\')
		if run < 0 {
			run = len(d.text)
		}
		if run > 0 {
			copied := copy(d.chars[n:], d.text[:run])
			n += copied
			d.text = d.text[copied:]
			continue
		}
		c, size := unescape(d.text)
		if size == 0 {
			return errBase64
		}
		d.text = d.text[size:]
		if c != '\r' && c != '\n' {
			d.chars[n] = c
			n++
		}
	}
	switch {
	case n == 0:
		return io.EOF
	case d.last:
		return errBase64
	}
	size, err := base64.StdEncoding.Decode(d.data[:], d.chars[:n])
	if err != nil {
		return errBase64
	}
	d.out = d.data[:size]
	d.last = size < n/4*3
	return nil
}

// unescape returns the ASCII character of the JSON escape at the start of text, and the
// escape's length: 0 where it cannot be part of Base64.
func unescape(text []byte) (c byte, size int) {
	if len(text) < 2 {
		return 0, 0
	}
	switch text[1] {
	case '/':
		return '/', 2
	case 'r':
		return '\r', 2
	case 'n':
		return '\n', 2
	case 'u':
		if len(text) < 6 {
			return 0, 0
		}
		code, err := strconv.ParseUint(string(text[2:6]), 16, 16)
		if err != nil || code >= 0x80 {
			return 0, 0
		}
		return byte(code), 6
	}
	return 0, 0
}
