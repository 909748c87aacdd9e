package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// requestIDHeader carries the invocation's request id.
const requestIDHeader = "X-Scf-Request-Id"

// ServeHTTP turns the request into an event, invokes the function with it, and turns its return
// value into the response, as the platform's HTTP triggers do.
func (e *Event) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := newRequestID()
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxPayload+1))
	if err != nil {
		fail(w, http.StatusBadRequest, id, codePlatform, "the request's body could not be read")
		return
	}
	if len(body) > MaxPayload {
		refuse(w, id, ErrTooLarge)
		return
	}
	event, err := e.config.event(r, id, body)
	if err != nil {
		refuse(w, id, err)
		return
	}
	result, err := e.invoke(r.Context(), id, event)
	if err != nil {
		refuse(w, id, err)
		return
	}
	if result.Error != nil {
		fail(w, http.StatusInternalServerError, id, codeFunction, result.Error.Message)
		return
	}
	answer, err := parseResponse(result.Payload)
	if err != nil {
		fail(w, http.StatusBadGateway, id, codePlatform, err.Error())
		return
	}
	answer.write(w, id)
}

// Values of errorCode: the platform distinguishes its own errors from the function's.
const (
	codePlatform = -1
	codeFunction = 1
)

// refuse answers a request that has no return value, for the reason that err gives.
func refuse(w http.ResponseWriter, id string, err error) {
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, ErrTooLarge), errors.As(err, new(*http.MaxBytesError)):
		status = statusTooLarge
	case errors.Is(err, ErrTimeLimit):
		status = http.StatusGatewayTimeout
	case errors.Is(err, ErrClosed), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		status = http.StatusServiceUnavailable
	}
	fail(w, status, id, codePlatform, err.Error())
}

// fail writes the platform's form of an error.
func fail(w http.ResponseWriter, status int, id string, code int, message string) {
	body, err := json.Marshal(struct {
		ErrorCode    int    `json:"errorCode"`
		ErrorMessage string `json:"errorMessage"`
		RequestID    string `json:"requestId"`
	}{code, message, id})
	if err != nil {
		panic(fmt.Sprintf("gateway: encode an error: %v", err)) // cannot be: a number and two strings
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set(requestIDHeader, id)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone is nobody's error
}
