package handler

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzAppendText has encoding/json read what appendText wrote.
func FuzzAppendText(f *testing.F) {
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

// FuzzPhoto has encoding/base64 read the text of a photo, which also allows line breaks; what is
// sent of it are the same bytes, and as many as were announced.
func FuzzPhoto(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		decoded, err := base64.StdEncoding.DecodeString(text)
		want := err == nil && len(decoded) > 0 && !strings.ContainsAny(text, "\r\n")
		is := isBase64([]byte(text))
		if is != want {
			t.Errorf("isBase64(%q) = %v", text, is)
		}
		if !is {
			return
		}
		w := httptest.NewRecorder()
		typ := sniff([]byte(text))
		(&response{status: 200, contentType: typ, body: []byte(text), base64: true}).write(w, "id-1")
		if w.Body.String() != string(decoded) || w.Header().Get("Content-Length") != strconv.Itoa(len(decoded)) {
			t.Errorf("%q: %d bytes were sent, %s announced, want %d", text, w.Body.Len(), w.Header().Get("Content-Length"), len(decoded))
		}
		if real := http.DetectContentType(decoded); typ != real && (typ != "application/octet-stream" || strings.HasPrefix(real, "image/")) {
			t.Errorf("%q: sent as %s, which is %s", text, typ, real)
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
