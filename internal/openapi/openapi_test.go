package openapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/openapi"
)

// unprovoked are the codes that no exchange brings about, by transport: a bug's, and one
// for which an instance has to have several requests at a time.
var unprovoked = map[string][]string{
	"web":          {"InternalError"},
	"Function URL": {"InternalError", "LimitExceeded", "RequestSizeLimitExceeded"},
	"API Gateway":  {"InternalError", "LimitExceeded", "RequestSizeLimitExceeded"},
}

// unanswered are the statuses that an event function does not answer with: it has one request at a
// time, and the platform keeps larger bodies from it.
var unanswered = []string{"/start/ocr 503", "/check 503"}

// TestFunction holds the answers of the built function to the document, through every
// transport, and the document to the answers: it promises nothing that does not come.
func TestFunction(t *testing.T) {
	doc, err := document(t)
	if err != nil {
		t.Fatal(err)
	}
	for name, run := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := record(t, doc, name, run)
			seen, codes := map[string]answered{}, map[string]bool{}
			for _, a := range all {
				openapi.Validate(t, a.request, a.status, a.header, a.body)
				seen[fmt.Sprint(doc.Path(a.request), " ", a.status)] = a
				if code := ownCode(a); code != "" {
					codes[code] = true
				}
			}
			t.Logf("%d answers validated", len(all))
			for path := range doc.Paths.Map() {
				_, operation := doc.Operation(path)
				for status := range operation.Responses.Map() {
					_, ok := seen[path+" "+status]
					if !ok && (name == "web" || status != "413" && !slices.Contains(unanswered, path+" "+status)) {
						t.Errorf("%s: status %s never came", path, status)
					}
				}
				if wanted := "the scope " + scope(doc, path) + " "; path != "/healthz" && !strings.Contains(string(seen[path+" 403"].body), wanted) {
					t.Errorf("%s does not want %s: %s", path, wanted, seen[path+" 403"].body)
				}
			}
			for _, code := range documentedCodes(doc) {
				if !codes[code] && !slices.Contains(unprovoked[name], code) {
					t.Errorf("code %s never came", code)
				}
			}
			removeEach(t, seen)
			spoilEach(t, doc, seen)
		})
	}
}

// ownCode returns the code of an answer of the function's own.
func ownCode(a answered) string {
	var body struct{ Code, RequestID string }
	if json.Unmarshal(a.body, &body) != nil || body.RequestID == "" {
		return ""
	}
	return body.Code
}

// removeEach takes each status out of the document: the answer that had it must fail.
func removeEach(t *testing.T, seen map[string]answered) {
	doc, err := document(t)
	if err != nil {
		t.Fatal(err)
	}
	for name, a := range seen {
		path, status, _ := strings.Cut(name, " ")
		if path == "" {
			continue // where there is no route
		}
		_, operation := doc.Operation(path)
		responses := operation.Responses
		removed := responses.Value(status)
		responses.Delete(status)
		if doc.Check(a.request, a.status, a.header, a.body) == nil {
			t.Errorf("%s: the status may be removed and nobody notices", name)
		}
		responses.Set(status, removed)
	}
}

// spoilEach changes something about each answer that the document must not allow.
func spoilEach(t *testing.T, doc *openapi.Document, seen map[string]answered) {
	for name, a := range seen {
		if a.request.Method == http.MethodHead {
			continue // has no body, and is not looked at further
		}
		spoil := func(what string, change func(a *answered)) {
			b := clone(a)
			change(&b)
			if doc.Check(b.request, b.status, b.header, b.body) == nil {
				t.Errorf("%s: %s, and nobody notices", name, what)
			}
		}
		wanted := []string{"Cache-Control", "X-Content-Type-Options", "X-Request-Id", "Content-Type"}
		switch a.status {
		case 401:
			wanted = append(wanted, "Www-Authenticate")
		case 405:
			wanted = append(wanted, "Allow")
		case 503:
			wanted = append(wanted, "Retry-After")
		case 502:
			spoil("a wait that is no number", func(a *answered) { a.header.Set("Retry-After", "soon") })
		default:
			spoil("a header too many", func(a *answered) { a.header.Set("Retry-After", "5") })
		}
		for _, header := range wanted {
			spoil("no "+header, func(a *answered) { a.header.Del(header) })
		}
		spoil("cached", func(a *answered) { a.header.Set("Cache-Control", "public") })
		spoil("HTML", func(a *answered) { a.header.Set("Content-Type", "text/html") })
		if typ := a.header.Get("Content-Type"); strings.HasPrefix(typ, "image/") || strings.HasPrefix(typ, "video/") {
			continue
		}
		spoil("no JSON", func(a *answered) { a.body = a.body[:len(a.body)/2] })
		spoil("no code", func(a *answered) { a.body = []byte(`{"msg":"x"}`) })
		if a.status != 200 {
			spoil("an unknown code", func(a *answered) { a.body = []byte(`{"code":"Nonsense","msg":"x","requestId":"x"}`) })
		}
	}
}
