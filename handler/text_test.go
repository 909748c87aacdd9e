package handler

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzAppendText has encoding/json read what appendText wrote.
func FuzzAppendText(f *testing.F) {
	for _, seed := range []string{
		"", "plain", `{"code":"0","msg":"\u8bf7 \/ \"\\"}`, "\x00\x01\x1f\x7f", "\b\f\n\r\t", "请求成功😀\u2028\ufeff",
		"1234567\"", "12345678\\", "1234567\n89", strings.Repeat("A", 100) + "\x1f" + strings.Repeat("é", 9), "<>&'",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) {
			t.Skip("bodies are UTF-8, or they are refused before")
		}
		before := bytes.Clone(text)
		const head = `{"body":`
		got := appendText([]byte(head), text)
		encoded, ok := bytes.CutPrefix(got, []byte(head))
		var decoded string
		if err := json.Unmarshal(encoded, &decoded); !ok || err != nil || decoded != string(text) {
			t.Errorf("appendText(%q) = %s, which reads %q, %v", text, got, decoded, err)
		}
		if !bytes.Equal(text, before) {
			t.Errorf("%q was changed", before)
		}
		if n := plainRun(text); n != bytes.IndexFunc(append(bytes.Clone(text), '"'), func(r rune) bool { return r == '"' || r == '\\' || r < ' ' }) {
			t.Errorf("plainRun(%q) = %d", text, n)
		}
	})
}

// FuzzIsBase64 compares isBase64 with encoding/base64, which also allows line breaks.
func FuzzIsBase64(f *testing.F) {
	for _, seed := range []string{"", "AAAA", "AAA=", "AA==", "A===", "====", "A=A=", "AAAA=", "AA==AAAA", "/9j+", "_-__", "AAA\n", "A A="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		decoded, err := base64.StdEncoding.DecodeString(text)
		want := err == nil && len(decoded) > 0 && !strings.ContainsAny(text, "\r\n")
		if got := isBase64([]byte(text)); got != want {
			t.Errorf("isBase64(%q) = %v", text, got)
		}
	})
}

func TestSniff(t *testing.T) {
	const unknown = "application/octet-stream"
	for head, want := range map[string]string{
		"\xff\xd8\xff\xe0": "image/jpeg", "\x89PNG\r\n\x1a\n": "image/png", "GIF89a": "image/gif", "BM": "image/bmp",
		"RIFF....WEBPVP": "image/webp", "<html>": unknown, "%PDF-": unknown, "<svg": unknown, "\x00": unknown, "plain text": unknown,
	} {
		for _, tail := range []string{"", "A", strings.Repeat("\x00", 5000)} {
			encoded := base64.StdEncoding.EncodeToString([]byte(head + tail))
			if got := sniff([]byte(encoded)); got != want {
				t.Errorf("sniff(%q and %d bytes) = %s, want %s", head, len(tail), got, want)
			}
		}
	}
}

func TestFailureBodyIsJSONWhateverIsInIt(t *testing.T) {
	f := failure{code: "A.B", msg: "two\nlines and \"quotes\" \\ \x01 卡"}
	var got map[string]string
	if err := json.Unmarshal(f.body("id-1"), &got); err != nil {
		t.Fatal(err)
	}
	if got["code"] != f.code || got["msg"] != f.msg || got["requestId"] != "id-1" || len(got) != 3 {
		t.Errorf("got %v", got)
	}
}
