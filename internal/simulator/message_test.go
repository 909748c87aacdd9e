package simulator

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestPostMessages(t *testing.T) {
	whole := func(s *Simulator, ticket string) string {
		body, _ := json.Marshal(members(facePath, "order1", ticket))
		return string(body)
	}
	for _, c := range []struct {
		name, target string
		change       func(body string) string
		header       func(*http.Request)
		want         []string
	}{
		{name: "as documented", target: facePath + "?orderNo=order1"},
		{name: "a charset", target: facePath + "?orderNo=order1", header: contentType("application/json; charset=utf-8")},
		{name: "a form", target: facePath + "?orderNo=order1", header: contentType("application/x-www-form-urlencoded"),
			want: []string{"Content-Type is not application/json"}},
		{name: "no type", target: facePath + "?orderNo=order1", header: func(r *http.Request) { r.Header.Del("Content-Type") },
			want: []string{"Content-Type is not application/json"}},
		{name: "of unknown length", target: facePath + "?orderNo=order1", header: func(r *http.Request) { r.ContentLength = -1 },
			want: []string{"the length of the body is not announced"}},
		{name: "a stray header", target: facePath + "?orderNo=order1", header: func(r *http.Request) { r.Header.Set("Authorization", "x") },
			want: []string{"unexpected header Authorization"}},
		{name: "another method", target: facePath + "?orderNo=order1", header: func(r *http.Request) { r.Method = http.MethodPut },
			want: []string{"wrong method, POST expected"}},
		{name: "no order in the URL", target: facePath, want: []string{"no orderNo in the URL"}},
		{name: "another order in the URL", target: facePath + "?orderNo=order2", want: []string{"the orderNo of the URL is not that of the body"}},
		{name: "the order in the URL twice", target: facePath + "?orderNo=order1&orderNo=order1", want: []string{"the orderNo of the URL is not that of the body"}},
		{name: "more in the URL", target: facePath + "?orderNo=order1&sign=x", want: []string{`unknown parameter "sign"`}},
		{name: "twice", target: facePath + "?orderNo=order1", change: func(b string) string { return `{"orderNo":"order1",` + b[1:] },
			want: []string{"repeated member orderNo"}},
		{name: "a number", target: facePath + "?orderNo=order1", change: func(b string) string { return `{"getFile":1,` + b[1:] },
			want: []string{"getFile is not a string"}},
		{name: "two objects", target: facePath + "?orderNo=order1", change: func(b string) string { return b + "{}" },
			want: []string{"something follows the JSON object"}},
		{name: "cut", target: facePath + "?orderNo=order1", change: func(b string) string { return b[:len(b)-1] },
			want: []string{"the body is no JSON object"}},
	} {
		s := newTestSimulator()
		_, ticket := s.Mint(testApp)
		body := whole(s, ticket)
		if c.change != nil {
			body = c.change(body)
		}
		r := postRequest(c.target, body)
		if c.header != nil {
			c.header(r)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		want := "400101"
		if c.want == nil {
			want = "0"
		}
		wantCode(t, c.name, decode(t, w).code(), want)
		wantViolations(t, s, c.want...)
	}
}

func contentType(value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Content-Type", value) }
}
