// Package openapi holds the function's HTTP answers to the project's openapi.yaml. It
// serves tests and is not part of the product.
package openapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Document is a description of the HTTP routes.
type Document struct{ *openapi3.T }

// Validate fails the test if openapi.yaml does not allow the answer to req: its status,
// its headers, its body. A path that the document does not have is one that the
// function must not know, either. Answers of the platform are not described: a test
// that provokes one does not pass it here. The body of req is not read; its path is
// taken without ROUTE_PREFIX.
func Validate(t testing.TB, req *http.Request, status int, header http.Header, body []byte) {
	t.Helper()
	d, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Check(req, status, header, body); err != nil {
		t.Errorf("openapi.yaml: %s %s: %d: %v", req.Method, req.URL.EscapedPath(), status, err)
	}
}

var load = sync.OnceValues(func() (*Document, error) {
	text, err := Text()
	if err != nil {
		return nil, err
	}
	return Parse(text)
})

// Text returns openapi.yaml, which is beside the go.mod of the module that the test
// runs in.
func Text() ([]byte, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil {
			return os.ReadFile(filepath.Join(dir, "openapi.yaml")) // #nosec G304 -- of this module
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			return nil, fmt.Errorf("find the module of openapi.yaml: %w", err)
		}
		dir = parent
	}
}

// Parse reads a document and checks that it is valid OpenAPI 3.1, its examples with it.
func Parse(text []byte) (*Document, error) {
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	if !doc.IsOpenAPI31OrLater() {
		return nil, fmt.Errorf("openapi.yaml: version %s, expected 3.1", doc.OpenAPI)
	}
	if err := doc.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	return &Document{doc}, nil
}

// Check returns what the document does not allow about an answer; see Validate.
func (d *Document) Check(req *http.Request, status int, header http.Header, body []byte) error {
	path, method, operation := d.find(req.URL.EscapedPath())
	ref := operation.Responses.Status(status)
	if ref == nil {
		return errors.New("no such status there")
	}
	// The headers that not every answer has. (The package looks for those alone that
	// the document wants.)
	for _, name := range []string{"Allow", "Retry-After", "WWW-Authenticate"} {
		if _, described := ref.Value.Headers[name]; !described && header.Get(name) != "" {
			return fmt.Errorf("no header %s there", name)
		}
	}
	return openapi3filter.ValidateResponse(req.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: req,
			Route:   &routers.Route{Spec: d.T, Path: path, Method: method, Operation: operation},
		},
		Status:  status,
		Header:  header,
		Body:    io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
}

// Path returns the path in the document that a request is for, "" where there is none.
func (d *Document) Path(req *http.Request) string {
	template, _, _ := d.find(req.URL.EscapedPath())
	return template
}

// Operation returns the one operation of a path of the document, and its method.
func (d *Document) Operation(template string) (method string, operation *openapi3.Operation) {
	for method, operation := range d.Paths.Value(template).Operations() {
		return method, operation
	}
	return "", nil
}

// find returns the operation of a path as it is sent. A path has one, which describes the
// answer to other methods, too.
func (d *Document) find(path string) (template, method string, operation *openapi3.Operation) {
	for _, template := range d.Paths.InMatchingOrder() {
		if matches(template, path) {
			method, operation := d.Operation(template)
			return template, method, operation
		}
	}
	// What the function answers where it has no route: whoever has no token does not learn that.
	responses := d.Components.Responses
	return "", http.MethodGet, &openapi3.Operation{Responses: openapi3.NewResponses(
		openapi3.WithStatus(http.StatusUnauthorized, responses["Unauthenticated"]),
		openapi3.WithStatus(http.StatusNotFound, responses["NotFound"]),
		openapi3.WithStatus(http.StatusInternalServerError, responses["InternalError"]),
	)}
}

// matches compares segment by segment. A parameter is one segment, whatever it holds.
func matches(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if !strings.HasPrefix(want[i], "{") && want[i] != got[i] {
			return false
		}
	}
	return true
}
