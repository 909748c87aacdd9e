package handler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// answered is a response with an answer of the upstream in a buffer with room in front.
func answered(body string, room int) *response {
	buffer := append(make([]byte, room), body...)
	r := &response{status: 200, contentType: jsonType, buffer: buffer, body: buffer[room:], marks: []int32{}}
	for i, c := range r.body {
		if strings.ContainsRune("\"\\\n\r\t", rune(c)) {
			r.marks = append(r.marks, int32(i))
		}
	}
	return r
}

// In place or not, the return value is the same.
func FuzzEncodeInPlace(f *testing.F) {
	f.Fuzz(func(t *testing.T, body string) {
		if !json.Valid([]byte(body)) {
			return
		}
		want := (&response{status: 200, contentType: jsonType, body: []byte(body)}).encode("id")
		for _, room := range []int{eventRoom, 400, 300, 10, 0} {
			if got := answered(body, room).encode("id"); !bytes.Equal(got, want) {
				t.Errorf("with room for %d bytes:\n%s\nwant\n%s", room, got, want)
			}
		}
	})
}

func TestEncodeInPlaceNeedsNoSecondBuffer(t *testing.T) {
	body := fmt.Sprintf(`{"code":"0","photo":%q}`, strings.Repeat("A", 1<<20))
	r := answered(body, eventRoom)
	if got := r.encode("id"); &got[0] != &r.buffer[0] {
		t.Error("the return value is not in the buffer of the answer")
	}
}

// BenchmarkEncode is an answer of the upstream made a return value, beside the library's way.
func BenchmarkEncode(b *testing.B) {
	for _, size := range []int{1 << 10, 4 << 20} {
		body := fmt.Sprintf(`{"code":"0","photo":%q}`, strings.Repeat("A", size))
		b.Run(fmt.Sprintf("in place/%d", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			whole := answered(body, eventRoom)
			for b.Loop() {
				r := *whole // what is moved is not what it was, but as long
				r.encode("id")
			}
		})
		b.Run(fmt.Sprintf("encoding.json/%d", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			r := struct {
				IsBase64Encoded bool              `json:"isBase64Encoded"`
				StatusCode      int               `json:"statusCode"`
				Headers         map[string]string `json:"headers"`
				Body            string            `json:"body"`
			}{false, 200, map[string]string{"Content-Type": jsonType}, body}
			for b.Loop() {
				_, _ = json.Marshal(r)
			}
		})
		b.Run(fmt.Sprintf("copied/%d", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			r := &response{status: 200, contentType: jsonType, body: []byte(body)}
			for b.Loop() {
				r.encode("id")
			}
		})
	}
}
