package delivery

import (
	"bytes"
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

// FuzzDecoder holds the stream to what encoding/json and encoding/base64 make of it.
func FuzzDecoder(f *testing.F) {
	for _, seed := range []string{
		``, `AAAA`, `AA==`, `\/9j\/`, `AAAA\r\nAAAA\n`, `A\u0041\u003d=`, `AA==AA==`, `\ud83d`, `AAA`, `=`, `AAAA\t`, `银`, `AA=\n=`, `\n`,
		strings.Repeat("AAAA", 1024) + "AA==", strings.Repeat("AAAA", 1024) + "A", strings.Repeat("A/+9", 3000),
		strings.Repeat("AAAA", 1023) + "AA==" + "AAAA",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var plain string
		if !utf8.ValidString(text) || json.Unmarshal([]byte(`"`+text+`"`), &plain) != nil {
			t.Skip("not the inside of a JSON string")
		}
		want, bad := base64.StdEncoding.DecodeString(plain)
		got, err := decodeText(text)
		if (err != nil) != (bad != nil) || err == nil && !bytes.Equal(got, want) {
			t.Errorf("%q: %d bytes, %v; the standard library: %d bytes, %v", text, len(got), err, len(want), bad)
		}
		photo, ok := measure("p", []byte(text))
		if ok != (bad == nil && len(want) > 0) || ok && photo.Size != int64(len(want)) {
			t.Errorf("%q: measured %d bytes, %t", text, photo.Size, ok)
		}
	})
}
