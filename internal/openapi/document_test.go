package openapi_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"kyc-ocr-relay/internal/openapi"
	"kyc-ocr-relay/internal/upstream"
)

// Every code of the function is in the document, with an example, and no other.
func TestCodes(t *testing.T) {
	doc, err := document(t)
	if err != nil {
		t.Fatal(err)
	}
	documented, known := documentedCodes(doc), knownCodes(t)
	for _, code := range known {
		if !slices.Contains(documented, code) {
			t.Errorf("%s is not in the document", code)
		}
	}
	examples := map[string]bool{}
	for _, response := range doc.Components.Responses {
		for _, example := range response.Value.Content["application/json"].Examples {
			if code, ok := example.Value.Value.(map[string]any)["code"].(string); ok {
				examples[code] = true
			}
		}
	}
	for _, code := range documented {
		if !slices.Contains(known, code) {
			t.Errorf("%s is not in the package handler", code)
		}
		if !examples[code] {
			t.Errorf("%s has no example", code)
		}
	}
}

// documentedCodes returns the codes that the document's schemas name.
func documentedCodes(doc *openapi.Document) (codes []string) {
	for _, schema := range doc.Components.Schemas {
		for _, part := range schema.Value.AllOf {
			if code := part.Value.Properties["code"]; code != nil {
				for _, value := range code.Value.Enum {
					codes = append(codes, value.(string))
				}
			}
		}
	}
	slices.Sort(codes)
	return codes
}

// knownCodes returns the values of the constants code… in the package handler.
func knownCodes(t *testing.T) (codes []string) {
	t.Helper()
	paths, err := filepath.Glob("../../handler/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != len(spec.Names) {
				return true
			}
			for i, name := range spec.Names {
				literal, ok := spec.Values[i].(*ast.BasicLit)
				if ok && literal.Kind == token.STRING && strings.HasPrefix(name.Name, "code") {
					code, _ := strconv.Unquote(literal.Value)
					codes = append(codes, code)
				}
			}
			return true
		})
	}
	if len(codes) < 10 {
		t.Fatalf("found only the codes %q", codes)
	}
	return codes
}

// The enumerations of the parameters are those of the upstream's types.
func TestParameters(t *testing.T) {
	doc, err := document(t)
	if err != nil {
		t.Fatal(err)
	}
	var types, photos []any
	for _, typ := range []upstream.Type{upstream.BankCard, upstream.IDCard} {
		types = append(types, string(typ))
		for _, photo := range typ.Photos() {
			photos = append(photos, photo)
		}
		if doc.Paths.Value(typ.Path()) == nil {
			t.Errorf("no path %s", typ.Path())
		}
	}
	parameters := doc.Components.Parameters
	if got := parameters["type"].Value.Schema.Value.Enum; !slices.Equal(got, types) {
		t.Errorf("types %q", got)
	}
	if got := parameters["name"].Value.Schema.Value.Enum; !slices.Equal(got, photos) {
		t.Errorf("photos %q", got)
	}
	for _, c := range []struct {
		schema    *openapi3.SchemaRef
		good, bad []string
	}{
		{doc.Components.Schemas["OrderNo"], []string{"a", "order1", strings.Repeat("9", 32)}, []string{"", "order-1", strings.Repeat("9", 33), "１"}},
		{parameters["app_id"].Value.Schema, []string{"IDAdemo1", "a-b_c"}, []string{"", "a b", strings.Repeat("x", 65)}},
		{parameters["get_file"].Value.Schema, []string{"1"}, []string{"", "2"}},
	} {
		for _, text := range c.good {
			if err := c.schema.Value.VisitJSON(text, openapi3.EnableJSONSchema2020()); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
		for _, text := range c.bad {
			if c.schema.Value.VisitJSON(text, openapi3.EnableJSONSchema2020()) == nil {
				t.Errorf("%q is accepted", text)
			}
		}
	}
}

// All routes but one want a token.
func TestSecurity(t *testing.T) {
	doc, err := document(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Security) != 1 || doc.Security[0]["bearer"] == nil {
		t.Errorf("security %v", doc.Security)
	}
	for path, item := range doc.Paths.Map() {
		if own := item.Get.Security; (own != nil) != (path == "/healthz") || own != nil && len(*own) != 0 {
			t.Errorf("%s: security %v", path, own)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for what, changes := range map[string][]string{
		"3.0":                          {"openapi: 3.1.0", "openapi: 3.0.3"},
		"a reference to nothing":       {"schemas/Refusal'", "schemas/Nothing'"},
		"an example with a wrong code": {"code: AuthFailure,", "code: Nonsense,"},
		"no YAML":                      {"openapi: 3.1.0", "openapi: [3.1.0"},
	} {
		if _, err := document(t, changes...); err == nil {
			t.Errorf("%s: no error", what)
		} else {
			t.Logf("%s: %.200v", what, err)
		}
	}
}

// failures is a test that notes that it failed.
type failures struct {
	testing.TB
	count int
}

func (f *failures) Errorf(string, ...any) { f.count++ }

func TestValidateFailsTheTest(t *testing.T) {
	header := http.Header{
		"Content-Type": {"application/json; charset=utf-8"}, "Cache-Control": {"no-store"},
		"X-Content-Type-Options": {"nosniff"}, "X-Request-Id": {"id"},
	}
	for status, want := range map[int]int{200: 0, 404: 1, 204: 1} {
		f := &failures{TB: t}
		openapi.Validate(f, httptest.NewRequest(http.MethodGet, "/healthz", nil), status, header, []byte(`{"status":"ok","store":"memory","apps":[]}`))
		if f.count != want {
			t.Errorf("status %d: %d failures, expected %d", status, f.count, want)
		}
	}
}
