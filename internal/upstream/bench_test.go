package upstream

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// BenchmarkUpload is a drop-in upload with a source photo, from the caller's bytes to the
// upstream's answer, beside a client that passes the same bytes through. Of 1 MB it takes 1.1 times
// the processor time (two virtual cores of a Turin-like processor, Go 1.26, 2026-11-28); wall times
// vary more than that.
func BenchmarkUpload(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"code":"0"}`)
	}))
	defer server.Close()
	base, _ := url.Parse(server.URL)
	c := New(Config{BaseURL: base, Timeout: 5 * time.Second})
	defer c.Close()

	for _, size := range []int{1 << 10, 1 << 20} {
		body := fmt.Appendf(nil, `{"appId":"another","orderNo":"order1","userId":"user1","name":"张三","idNo":"1","sourcePhotoStr":%q,"nonce":"x","sign":"y"}`,
			strings.Repeat("A", size))
		b.Run(fmt.Sprintf("relay/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				read, err := ReadBody(AdvFaceID, body)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := c.Do(b.Context(), AdvFaceID, Params{AppID: "IDA1", Ticket: secret.New("ticket"), Body: read}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("pass/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				response, err := http.Post(server.URL, "application/json", bytes.NewReader(body))
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
		b.Run(fmt.Sprintf("read/%d", size), func(b *testing.B) { // what the relay adds
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if _, err := ReadBody(AdvFaceID, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	http.DefaultClient.CloseIdleConnections()
}
