package delivery

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

func decodeText(text string) ([]byte, error) { return io.ReadAll(newDecoder([]byte(text))) }

// A photo of any length survives any way of writing it.
func TestDecoder(t *testing.T) {
	forms := map[string]func(string) string{
		"plain":            func(s string) string { return s },
		"slashes escaped":  func(s string) string { return strings.ReplaceAll(s, "/", `\/`) },
		"for HTML":         func(s string) string { return strings.NewReplacer("+", `\u002b`, "=", `\u003D`).Replace(s) },
		"in lines":         func(s string) string { return lines(s, 76, `\r\n`) },
		"in short lines":   func(s string) string { return lines(s, 1, `\n`) },
		"lines as escapes": func(s string) string { return lines(s, 64, `\u000a`) },
	}
	for _, size := range []int{0, 1, 2, 3, 4, 3071, 3072, 3073, 6143, 6144, 6145, 100_000} {
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(i*i>>3 + i)
		}
		for name, form := range forms {
			text := form(base64.StdEncoding.EncodeToString(want))
			got, err := decodeText(text)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %s: %d bytes, %v", size, name, len(got), err)
			}
			if err := iotest.TestReader(newDecoder([]byte(text)), want); err != nil {
				t.Errorf("%d bytes, %s: %v", size, name, err)
			}
		}
	}
}

func lines(s string, width int, end string) string {
	var b strings.Builder
	for len(s) > 0 {
		n := min(width, len(s))
		b.WriteString(s[:n] + end)
		s = s[n:]
	}
	return b.String()
}

func TestDecoderRefuses(t *testing.T) {
	block := strings.Repeat("AAAA", 1024) // as much as is decoded at a time
	for name, text := range map[string]string{
		"a data URL":                    "data:image/jpeg;base64,AAAA",
		"the URL alphabet":              "_-_-",
		"no padding":                    "AAA",
		"half a quad":                   "AAAAA",
		"text after padding":            "AA==AAAA",
		"a block after padding":         block[:4092] + "AA==" + "AAAA",
		"padding alone":                 "====",
		"spaces":                        "AA AA=",
		"a tab":                         `AAAA\tAAAA`,
		"a quote":                       `AAAA\"AAAA`,
		"a letter that is no ASCII one": `AAA\u0410`,
		"not ASCII":                     "AAAАA",
		"an escape cut":                 `AAAA\`,
		"a code cut":                    `AAAA\u00`,
	} {
		if _, err := decodeText(text); !errors.Is(err, errBase64) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzDecoder holds the stream to what encoding/json and encoding/base64 make of it, read at once
// and in small pieces; and the document that it is taken out of to the same document without it.
func FuzzDecoder(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		var plain string
		if !utf8.ValidString(text) || json.Unmarshal([]byte(`"`+text+`"`), &plain) != nil {
			return // not the inside of a JSON string
		}
		want, bad := base64.StdEncoding.DecodeString(plain)
		for name, read := range map[string]func(string) ([]byte, error){"whole": decodeText, "in pieces": decodePieces} {
			got, err := read(text)
			if (err != nil) != (bad != nil) || err == nil && !bytes.Equal(got, want) {
				t.Errorf("%q, %s: %d bytes, %v; the standard library: %d bytes, %v", text, name, len(got), err, len(want), bad)
			}
		}
		is := bad == nil && len(want) > 0
		photo, ok := measure("p", []byte(text))
		if ok != is || ok && (photo.Size != int64(len(want)) || photo.Sum != sha256.Sum256(want)) {
			t.Errorf("%q: measured %d bytes, %t", text, photo.Size, ok)
		}
		const head, tail = `{ "p":`, ` , "q" : "\/"}`
		quoted := `"` + text + `"`
		document := head + quoted + tail
		if is {
			document = head + reference("p", want) + tail
		}
		packed := Pack([]byte(head+quoted+tail), []Span{{"p", len(head), len(head) + len(quoted)}})
		if string(packed.document) != document || (len(packed.Photos) == 1) != is {
			t.Errorf("%q: %s with %d photos", text, packed.document, len(packed.Photos))
		}
	})
}

// decodePieces reads one, two, three … bytes at a time, and once more at the end.
func decodePieces(text string) (got []byte, err error) {
	d := newDecoder([]byte(text))
	for size := 1; ; size = size%7 + 1 {
		piece := make([]byte, size)
		n, err := d.Read(piece)
		got = append(got, piece[:n]...)
		if err != nil {
			if _, again := d.Read(piece); again != err {
				return nil, errors.New("the stream goes on behind its end")
			}
			if err == io.EOF {
				return got, nil
			}
			return got, err
		}
	}
}
