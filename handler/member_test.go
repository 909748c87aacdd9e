package handler

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzDecodeEvent compares decodeEvent, items and text with encoding/json.
func FuzzDecodeEvent(f *testing.F) {
	for _, seed := range []string{
		`{"a":"x\\","a":"\\\"" , "b" : [ {"c":"]}"} , [[]] , -1.5e3 ],"\u0061":{}}`, ` { } `, `{"":"","é":"é","\ud83d\ude00":"\/"}`,
		`{"a":[true,false,null,"",1],"b":[],"c":{"d":[1,[2]]}}`, "\t{\n\"a\"\r: 1 }\n", `{"a":"` + strings.Repeat(`\\`, 99) + `"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var want map[string]json.RawMessage
		err := json.Unmarshal(payload, &want)
		got, ok := decodeEvent(payload)
		if ok != (err == nil && want != nil) || ok && len(got) != len(want) {
			t.Fatalf("decodeEvent(%q) = %q, %v, want %q, %v", payload, got, ok, want, err)
		}
		if !ok {
			return
		}
		for name, value := range want {
			if !bytes.Equal(got[name], value) {
				t.Errorf("decodeEvent(%q): %q is %s, want %s", payload, name, got[name], value)
			}
			var s string
			_ = json.Unmarshal(value, &s)
			if text(value) != s {
				t.Errorf("text(%s) = %q, want %q", value, text(value), s)
			}
			var list []json.RawMessage
			_ = json.Unmarshal(value, &list)
			n := 0
			for item := range items(value) {
				if n == len(list) || !bytes.Equal(item, list[n]) {
					t.Fatalf("items(%s): the one at %d is %s", value, n, item)
				}
				n++
			}
			if n != len(list) {
				t.Errorf("items(%s): %d, want %d", value, n, len(list))
			}
		}
	})
}

// BenchmarkDecodeEvent is an event of API Gateway, and the way to its headers and query.
func BenchmarkDecodeEvent(b *testing.B) {
	payload := []byte(`{"requestContext":{"serviceId":"service-f94sy04v","path":"/ocr/{path}","httpMethod":"GET","requestId":"c6af9ac6-7b61-11e6-9a41-93e8deadbeef","identity":{"secretId":"abdcdxxxxxxxsdfs"},"sourceIp":"10.0.2.14","stage":"release"},"headers":{"accept":"application/json","accept-encoding":"gzip","authorization":"Bearer token-of-alice-0123456789","host":"service-3ei3tii4-251000691.ap-guangzhou.apigateway.myqcloud.com","user-agent":"backend/1.0","x-api-requestid":"c6af9ac6-7b61-11e6-9a41-93e8deadbeef","x-b3-traceid":"c6af9ac67b6111e69a4193e8deadbeef","x-qualifier":"$LATEST"},"body":"","pathParameters":{"path":"value"},"queryStringParameters":{},"headerParameters":{},"stageVariables":{"stage":"release"},"path":"/ocr/bankcard/a1","queryString":{"get_file":"1"},"httpMethod":"GET","isBase64Encoded":false}`)
	for _, side := range []struct {
		name  string
		pairs func() int
	}{
		{"decodeEvent", func() (n int) {
			event, _ := decodeEvent(payload)
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
