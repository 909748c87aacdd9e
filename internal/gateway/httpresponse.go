package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// response is a return value as the platform reads it.
type response struct {
	status  int
	headers map[string]string
	body    []byte
}

// parseResponse reads a return value. One without statusCode is itself the body of a 200.
func parseResponse(payload []byte) (response, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(payload, &fields); err != nil && !json.Valid(payload) {
		return response{}, errors.New("the return value is not JSON")
	}
	if fields["statusCode"] == nil {
		return response{
			status:  http.StatusOK,
			headers: map[string]string{"Content-Type": "application/json"},
			body:    payload,
		}, nil
	}
	var a response
	if json.Unmarshal(fields["statusCode"], &a.status) != nil || a.status < 200 || a.status > 599 {
		return response{}, errors.New("the return value's statusCode is not a number from 200 to 599")
	}
	var isBase64 bool
	if raw := fields["isBase64Encoded"]; raw != nil && json.Unmarshal(raw, &isBase64) != nil {
		return response{}, errors.New("the return value's isBase64Encoded is not a boolean")
	}
	var err error
	if a.headers, err = headerStrings(fields["headers"]); err != nil {
		return response{}, err
	}
	a.body, err = bodyBytes(fields["body"], isBase64)
	return a, err
}

// headerStrings tolerates values that are not strings.
func headerStrings(raw json.RawMessage) (map[string]string, error) {
	if raw == nil {
		return nil, nil
	}
	var values map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // a number is copied as it was written
	if d.Decode(&values) != nil {
		return nil, errors.New("the return value's headers are not an object")
	}
	headers := make(map[string]string, len(values))
	for name, value := range values {
		headers[name] = fmt.Sprint(value)
	}
	return headers, nil
}

// bodyBytes returns the text of a JSON string, decoded if it is Base64. Another JSON value is its own
// text.
func bodyBytes(raw json.RawMessage, isBase64 bool) ([]byte, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	if raw[0] != '"' {
		return raw, nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, fmt.Errorf("the return value's body: %w", err)
	}
	if !isBase64 {
		return []byte(text), nil
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("the return value's body: %w", err)
	}
	return b, nil
}

// write sends the response. The framing is the gateway's: whatever the function says about length,
// encoding and connection is overruled.
func (a response) write(w http.ResponseWriter, id string) {
	h := w.Header()
	for name, value := range a.headers {
		h.Set(name, value)
	}
	h.Del("Connection")
	h.Del("Transfer-Encoding")
	h.Del("Content-Length")
	if h.Get("Content-Type") == "" {
		h["Content-Type"] = nil // a type that the function forgot is not guessed
	}
	h.Set(requestIDHeader, id)
	if a.status == http.StatusNoContent || a.status == http.StatusNotModified {
		w.WriteHeader(a.status)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that is gone is nobody's error
}
