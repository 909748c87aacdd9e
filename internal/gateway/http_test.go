package gateway_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"kyc-ocr-relay/internal/gateway"
)

var requestID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// serve has h answer one request.
func serve(h http.Handler, method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestEventJSON(t *testing.T) {
	// An answer without statusCode is the return value itself, here the event.
	const target = "http://relay.example/echo/a%2Fb%20c?a=1&b=2&b=3&bare&empty=&mixed&mixed=%E5%8D%A1&x=1%2B1+%3C%26&bad=%zz"
	const query = `{"a":"1","b":["2","3"],"bad":"%zz","bare":true,"empty":"","mixed":[true,"卡"],"x":"1+1 <&"}`
	for _, c := range []struct {
		name   string
		config gateway.Config
		body   string
		want   string
	}{
		{"function URL", gateway.Config{}, `{"text":"<卡>"}`,
			`{"body":"{\"text\":\"<卡>\"}","headers":{"accept":"a/b,c/d","authorization":"Bearer t","host":"relay.example","x-scf-remote-addr":"192.0.2.1"},` +
				`"httpMethod":"POST","path":"/echo/a%2Fb%20c","queryString":` + query + `}`},
		{"function URL, binary", gateway.Config{Shape: gateway.FunctionURL}, "\xff",
			`{"body":"\ufffd","headers":{"accept":"a/b,c/d","authorization":"Bearer t","host":"relay.example","x-scf-remote-addr":"192.0.2.1"},` +
				`"httpMethod":"POST","path":"/echo/a%2Fb%20c","queryString":` + query + `}`},
		{"API Gateway", gateway.Config{Shape: gateway.APIGateway}, "",
			`{"requestContext":{"serviceId":"service-local","path":"/echo/a%2Fb%20c","httpMethod":"POST","requestId":"ID","identity":{},"sourceIp":"192.0.2.1","stage":"release"},` +
				`"headers":{"Accept":"a/b,c/d","Authorization":"Bearer t","Host":"relay.example"},"body":"","pathParameters":{},"queryStringParameters":{},"headerParameters":{},"stageVariables":{},` +
				`"path":"/echo/a%2Fb%20c","queryString":` + query + `,"httpMethod":"POST","isBase64Encoded":false}`},
		{"API Gateway, binary", gateway.Config{Shape: gateway.APIGateway, Stage: "test", Prefix: "/kyc"}, "\xff\x00",
			`{"requestContext":{"serviceId":"service-local","path":"/kyc/echo/a%2Fb%20c","httpMethod":"POST","requestId":"ID","identity":{},"sourceIp":"192.0.2.1","stage":"test"},` +
				`"headers":{"Accept":"a/b,c/d","Authorization":"Bearer t","Host":"relay.example"},"body":"/wA=","pathParameters":{},"queryStringParameters":{},"headerParameters":{},"stageVariables":{},` +
				`"path":"/kyc/echo/a%2Fb%20c","queryString":` + query + `,"httpMethod":"POST","isBase64Encoded":true}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := startEvent(t, c.config)
			r := httptest.NewRequest("POST", target, strings.NewReader(c.body))
			r.Header["Accept"] = []string{"a/b", "c/d"}
			r.Header.Set("Authorization", "Bearer t")
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			id := w.Header().Get("X-Scf-Request-Id")
			if !requestID.MatchString(id) {
				t.Errorf("request id %q", id)
			}
			got := strings.ReplaceAll(w.Body.String(), id, "ID")
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("status %d, type %q", w.Code, w.Header().Get("Content-Type"))
			}
		})
	}
}

func TestResponse(t *testing.T) {
	server := httptest.NewServer(startEvent(t, gateway.Config{}))
	defer server.Close()
	for _, c := range []struct {
		name, returned string
		status         int
		header         map[string]string
		body           string
	}{
		{"whole", `{"isBase64Encoded":false,"statusCode":404,"headers":{"Content-Type":"text/plain","x-request-id":"mine","Content-Length":"999"},"body":"卡"}`,
			404, map[string]string{"Content-Type": "text/plain", "X-Request-Id": "mine", "Content-Length": "3"}, "卡"},
		{"base64", `{"isBase64Encoded":true,"statusCode":200,"headers":{"Content-Type":"image/jpeg"},"body":"/9j/AA=="}`,
			200, map[string]string{"Content-Type": "image/jpeg", "Content-Length": "4"}, "\xff\xd8\xff\x00"},
		{"broken base64", `{"isBase64Encoded":true,"statusCode":200,"body":"?"}`, 502, nil, "body: illegal base64"},
		{"no headers, no type guessed", `{"statusCode":200,"body":"<html>"}`, 200, map[string]string{"Content-Type": ""}, "<html>"},
		{"other header values", `{"statusCode":200,"headers":{"Retry-After":1000000,"X-Flag":true},"body":null}`,
			200, map[string]string{"Retry-After": "1000000", "X-Flag": "true", "Content-Length": "0"}, ""},
		{"body not a string", `{"statusCode":200,"body":{"a": 1}}`, 200, nil, `{"a": 1}`},
		{"no content", `{"statusCode":204,"body":"ignored"}`, 204, nil, ""},
		{"no statusCode", `{"renewed": ["a"], "body": "x"}`, 200, map[string]string{"Content-Type": "application/json"}, `{"renewed": ["a"], "body": "x"}`},
		{"not an object", `[1]`, 200, nil, `[1]`},
		{"null", `null`, 200, nil, `null`},
		{"not JSON", `oops`, 502, nil, "not JSON"},
		{"status out of range", `{"statusCode":99}`, 502, nil, "statusCode"},
		{"status a string", `{"statusCode":"200"}`, 502, nil, "statusCode"},
		{"headers an array", `{"statusCode":200,"headers":[]}`, 502, nil, "headers"},
		{"flag a string", `{"statusCode":200,"isBase64Encoded":"no"}`, 502, nil, "isBase64Encoded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := server.Client().Post(server.URL+"/return", "application/json", strings.NewReader(c.returned))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			wrong := string(body) != c.body
			if c.status == 502 {
				wrong = !strings.Contains(string(body), c.body)
			}
			if r.StatusCode != c.status || wrong {
				t.Errorf("got %d %q, want %d %q", r.StatusCode, body, c.status, c.body)
			}
			for name, want := range c.header {
				if got := r.Header.Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
			if id := r.Header.Get("X-Scf-Request-Id"); !requestID.MatchString(id) {
				t.Errorf("request id %q", id)
			}
		})
	}
}

func TestHTTPFailures(t *testing.T) {
	patient := startEvent(t, gateway.Config{})
	hurried := startEvent(t, gateway.Config{TimeLimit: time.Second})
	for _, c := range []struct {
		e      *gateway.Event
		path   string
		status int
		code   int
		text   string
	}{
		{patient, "/error", 500, 1, "nothing works"},
		{patient, "/panic", 500, 1, "all is lost"},
		{patient, "/exit", 500, -1, "the function's process exited: exit status 3"},
		{patient, "/large", 407, -1, "return value: the payload exceeds 6 MB"},
		{hurried, "/block", 504, -1, "the function's time limit is exceeded: 1s"},
	} {
		t.Run(c.path, func(t *testing.T) {
			w := serve(c.e, "GET", c.path, "")
			var body struct {
				ErrorCode    int
				ErrorMessage string
				RequestID    string
			}
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatalf("%s: %v", w.Body, err)
			}
			if w.Code != c.status || body.ErrorCode != c.code || body.ErrorMessage != c.text {
				t.Errorf("got %d %+v", w.Code, body)
			}
			if !requestID.MatchString(body.RequestID) || body.RequestID != w.Header().Get("X-Scf-Request-Id") {
				t.Errorf("request ids %q, %q", body.RequestID, w.Header().Get("X-Scf-Request-Id"))
			}
			if w := serve(c.e, "GET", "/echo", ""); w.Code != 200 {
				t.Errorf("the next request: %d %s", w.Code, w.Body)
			}
		})
	}
	t.Run("closed", func(t *testing.T) {
		patient.Close()
		if w := serve(patient, "GET", "/echo", ""); w.Code != 503 {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
}

func TestSizeLimit(t *testing.T) {
	e := startEvent(t, gateway.Config{})
	if w := serve(e, "GET", "/full", ""); w.Code != 200 || w.Body.Len() != gateway.MaxPayload {
		t.Errorf("the largest response: %d, %d bytes", w.Code, w.Body.Len())
	}
	for name, size := range map[string]int{"body": gateway.MaxPayload + 1, "event": gateway.MaxPayload} {
		if w := serve(e, "POST", "/echo", strings.Repeat("x", size)); w.Code != 407 {
			t.Errorf("%s too large: %d", name, w.Code)
		}
	}
	payload := bytes.Repeat([]byte(" "), gateway.MaxPayload)
	copy(payload, `{"do":"calls"}`)
	if r := invoke(t, e, string(payload)); string(r.Payload) != "2" {
		t.Errorf("call %s, want the second: what is refused does not reach the function", r.Payload)
	}
}
