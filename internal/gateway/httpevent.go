package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// empty encodes as {}: the parts of an API Gateway event that stay empty unless configured there.
type empty struct{}

// apiGatewayEvent is spelled, and its fields are ordered, as in the platform's documents.
type apiGatewayEvent struct {
	RequestContext        requestContext    `json:"requestContext"`
	Headers               map[string]string `json:"headers"`
	Body                  string            `json:"body"`
	PathParameters        empty             `json:"pathParameters"`
	QueryStringParameters empty             `json:"queryStringParameters"`
	HeaderParameters      empty             `json:"headerParameters"`
	StageVariables        empty             `json:"stageVariables"`
	Path                  string            `json:"path"`
	QueryString           map[string]any    `json:"queryString"`
	HTTPMethod            string            `json:"httpMethod"`
	IsBase64Encoded       bool              `json:"isBase64Encoded"`
}

type requestContext struct {
	ServiceID  string `json:"serviceId"`
	Path       string `json:"path"`
	HTTPMethod string `json:"httpMethod"`
	RequestID  string `json:"requestId"`
	Identity   empty  `json:"identity"`
	SourceIP   string `json:"sourceIp"`
	Stage      string `json:"stage"`
}

// functionURLEvent has no request context and cannot carry bytes that are not UTF-8: they become
// U+FFFD.
type functionURLEvent struct {
	Body        string            `json:"body"`
	Headers     map[string]string `json:"headers"`
	HTTPMethod  string            `json:"httpMethod"`
	Path        string            `json:"path"`
	QueryString map[string]any    `json:"queryString"`
}

// event returns the event for a request, in the configured shape.
func (c Config) event(r *http.Request, id string, body []byte) ([]byte, error) {
	path := c.Prefix + r.URL.EscapedPath()
	query := queryString(r.URL.RawQuery)
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}
	if c.Shape == FunctionURL {
		headers := joinHeaders(r, strings.ToLower)
		headers["x-scf-remote-addr"] = source
		return encode(functionURLEvent{string(body), headers, r.Method, path, query})
	}
	event := apiGatewayEvent{
		RequestContext: requestContext{
			ServiceID:  "service-local",
			Path:       path,
			HTTPMethod: r.Method,
			RequestID:  id,
			SourceIP:   source,
			Stage:      c.Stage,
		},
		Headers:     joinHeaders(r, http.CanonicalHeaderKey),
		Body:        string(body),
		Path:        path,
		QueryString: query,
		HTTPMethod:  r.Method,
	}
	if !utf8.Valid(body) {
		event.Body, event.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return encode(event)
}

// encode leaves <, > and & as they are, which the platform does not escape either.
func encode(event any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(event); err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// joinHeaders returns one string per header, and the Host among them, which net/http takes out.
func joinHeaders(r *http.Request, spell func(string) string) map[string]string {
	headers := make(map[string]string, len(r.Header)+1)
	for name, values := range r.Header {
		headers[spell(name)] = strings.Join(values, ",")
	}
	if r.Host != "" {
		headers[spell("Host")] = r.Host
	}
	return headers
}

// queryString returns a string for a key that occurs once, true for a bare one, and an array for a
// key that is repeated. What is not properly escaped stays as it is.
func queryString(raw string) map[string]any {
	all := map[string][]any{}
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		key, text, valued := strings.Cut(part, "=")
		var value any = true
		if valued {
			value = unescape(text)
		}
		key = unescape(key)
		all[key] = append(all[key], value)
	}
	query := make(map[string]any, len(all))
	for key, values := range all {
		if len(values) == 1 {
			query[key] = values[0]
		} else {
			query[key] = values
		}
	}
	return query
}

func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}
