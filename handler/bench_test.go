package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/jsonscan"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/upstream"
)

// instant is an upstream without a network.
type instant struct{ body []byte }

func (i instant) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, ContentLength: int64(len(i.body)), Body: io.NopCloser(bytes.NewReader(i.body))}, nil
}

// benchSizes are those of answers without photos, with a small one, and with three.
var benchSizes = []int{1 << 10, 256 << 10, 4 << 20}

// benchHandler returns a Handler whose upstream answers with about size bytes.
func benchHandler(b *testing.B, size int, changes ...func(*relay.Config)) *Handler {
	body := fmt.Appendf(nil, `{"code":"0","msg":"请求成功","bizSeqNo":"21062120001184412617492807497465","result":{"bizSeqNo":"21062120001184412617492807497465","transactionTime":"20210621174928","orderNo":"bench","bankCardNo":"6222000000000000000","bankCardValidDate":"12/2034","warnCode":"0","multiWarnCode":"0","operateTime":"2021-06-21 17:40:06","clarity":"79","photo":%q},"transactionTime":"20210621174928"}`, strings.Repeat("A", size-400))
	base, _ := url.Parse("http://127.0.0.1:1")
	h, _ := newHandler(b, nil, func(c *relay.Config) {
		c.Upstream = upstream.New(upstream.Config{BaseURL: base, Timeout: 5 * time.Second, Transport: instant{body}})
		c.Log = slog.New(slog.NewJSONHandler(io.Discard, nil))
		for _, change := range changes {
			change(c)
		}
	})
	return h
}

// BenchmarkInvoke is an HTTP event without the network on both sides.
func BenchmarkInvoke(b *testing.B) {
	event := fmt.Appendf(nil, `{"body":"","headers":{"accept":"*/*","authorization":"Bearer %s"},"httpMethod":"GET","path":"/ocr/bankcard/s1","queryString":{"get_file":"1"}}`, goodToken)
	for _, size := range benchSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			h := benchHandler(b, size)
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			b.ReportAllocs()
			done := make(chan int)
			for b.Loop() {
				go func() { // a new goroutine for each event, as in net/rpc
					v, _ := h.Invoke(ctx, "4a4c3f0e-51d1-4a5f-8a3e-0123456789ab", event)
					done <- len(v)
				}()
				if n := <-done; n < size-100 {
					b.Fatal(n)
				}
			}
		})
	}
}

// BenchmarkServeHTTP is a request of the Web function without the network on both sides.
func BenchmarkServeHTTP(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			h := benchHandler(b, size)
			r := httptest.NewRequest("GET", "/ocr/bankcard/s1?get_file=1", nil)
			r.Header.Set("Authorization", "Bearer "+goodToken)
			b.ReportAllocs()
			for b.Loop() {
				w := &nowhere{header: http.Header{}}
				h.ServeHTTP(w, r)
				if w.n < size-100 {
					b.Fatal(w.n)
				}
			}
		})
	}
}

// nowhere counts what is written to it.
type nowhere struct {
	header http.Header
	n      int
}

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) WriteHeader(int)             {}
func (w *nowhere) Write(p []byte) (int, error) { w.n += len(p); return len(p), nil }

// BenchmarkDecodeEvent is an event of API Gateway, and the way to its headers and query.
func BenchmarkDecodeEvent(b *testing.B) {
	payload := []byte(`{"requestContext":{"serviceId":"service-f94sy04v","path":"/ocr/{path}","httpMethod":"GET","requestId":"c6af9ac6-7b61-11e6-9a41-93e8deadbeef","identity":{"secretId":"abdcdxxxxxxxsdfs"},"sourceIp":"10.0.2.14","stage":"release"},"headers":{"accept":"application/json","accept-encoding":"gzip","authorization":"Bearer token-of-alice-0123456789","host":"service-3ei3tii4-251000691.ap-guangzhou.apigateway.myqcloud.com","user-agent":"backend/1.0","x-api-requestid":"c6af9ac6-7b61-11e6-9a41-93e8deadbeef","x-b3-traceid":"c6af9ac67b6111e69a4193e8deadbeef","x-qualifier":"$LATEST"},"body":"","pathParameters":{"path":"value"},"queryStringParameters":{},"headerParameters":{},"stageVariables":{"stage":"release"},"path":"/ocr/bankcard/a1","queryString":{"get_file":"1"},"httpMethod":"GET","isBase64Encoded":false}`)
	for _, side := range []struct {
		name  string
		pairs func() int
	}{
		{"decodeEvent", func() (n int) {
			event, _ := jsonscan.Decode(payload)
			count := func(name, value string) { n++ }
			decodePairs(event["headers"], count)
			decodePairs(event["queryString"], count)
			return n
		}},
		{"encoding.json", func() int {
			var event struct {
				HTTPMethod, Path     string
				Headers, QueryString map[string]string
			}
			_ = json.Unmarshal(payload, &event)
			return len(event.Headers) + len(event.QueryString)
		}},
	} {
		b.Run(side.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if n := side.pairs(); n != 9 {
					b.Fatal(n)
				}
			}
		})
	}
}

// flow is an upstream that answers an upload and the fetch of a NONCE ticket.
type flow struct{}

func (flow) RoundTrip(r *http.Request) (*http.Response, error) {
	body := `{"code":"0","msg":"请求成功","tickets":[{"value":"zxc9Qfxlti9iTVgHAjwvJdAZKN3nMuUhrsPdPlPVKlcyS50N6tlLnfuFBPIucaMS","expire_in":"120"}]}`
	if r.Method == http.MethodPost {
		body = `{"code":"0","msg":"请求成功","result":{"faceId":"tx0123456789abcdef0123456789ab","optimalDomain":"kyc1.qcloud.com","success":true}}`
	}
	return &http.Response{StatusCode: 200, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))}, nil
}

// BenchmarkStartFace is the start of a face verification without the network on both sides.
func BenchmarkStartFace(b *testing.B) {
	base, _ := url.Parse("http://127.0.0.1:1")
	h, _ := newHandler(b, nil, func(c *relay.Config) {
		c.Upstream = upstream.New(upstream.Config{BaseURL: base, Timeout: 5 * time.Second, Transport: flow{}})
		c.Log = slog.New(slog.NewJSONHandler(io.Discard, nil))
	})
	body := `{"user_id":"user1","order_no":"order1","product":"h5","name":"张三","id_no":"110101199001011234","url":"https://shop.example/back"}`
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/start/face", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+goodToken)
		w := &nowhere{header: http.Header{}}
		h.ServeHTTP(w, r)
		if w.n < 400 {
			b.Fatal(w.n)
		}
	}
}

// BenchmarkLend is a warm hit of the token endpoints, as a server sends it that was written for the
// vendor, beside a result of 1 KB without the network on both sides.
func BenchmarkLend(b *testing.B) {
	h := benchHandler(b, 1<<10, func(c *relay.Config) {
		c.Callers = append(c.Callers, config.Caller{Name: "php", Token: secret.New(phpToken), Scopes: []config.Scope{config.Ticket}})
	})
	for _, c := range []struct{ name, target, authorization string }{
		{"token", "/api/oauth2/access_token?app_id=IDA1&secret=" + phpToken + "&grant_type=client_credential&version=1.0.0", ""},
		{"ticket", "/api/oauth2/api_ticket?app_id=IDA1&access_token=canary-token&type=SIGN&version=1.0.0", ""},
		{"result", "/ocr/bankcard/s1", "Bearer " + goodToken},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, c.target, nil)
			if c.authorization != "" {
				r.Header.Set("Authorization", c.authorization)
			}
			b.ReportAllocs()
			for b.Loop() {
				w := &nowhere{header: http.Header{}}
				h.ServeHTTP(w, r)
				if w.n < 140 {
					b.Fatal(w.n)
				}
			}
		})
	}
}
