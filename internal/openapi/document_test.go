package openapi_test

import (
	"go/ast"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"kyc-ocr-relay/internal/openapi"
	"kyc-ocr-relay/internal/upstream"
)

// The enumerations of the parameters are those of the upstream's types.
func TestParameters(t *testing.T) {
	doc, err := document(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range fixedPaths(t) {
		if doc.Paths.Value(path) == nil {
			t.Errorf("no path %s", path)
		}
	}
	var types, photos []any
	for _, call := range upstream.Calls() {
		if doc.Paths.Value(call.Path()) == nil {
			t.Errorf("no path %s", call.Path())
		} else if method, _ := doc.Operation(call.Path()); method != call.Method() {
			t.Errorf("%s is a %s", call.Path(), method)
		}
	}
	for _, typ := range []upstream.Type{upstream.BankCard, upstream.IDCard} {
		types = append(types, string(typ))
		for _, photo := range typ.Photos() {
			photos = append(photos, photo)
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

// fixedPaths returns the paths that the package handler has a case for.
func fixedPaths(t *testing.T) (paths []string) {
	t.Helper()
	for _, file := range handlerFiles(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			branch, ok := n.(*ast.CaseClause)
			if !ok {
				return true
			}
			for _, value := range branch.List {
				if text, ok := value.(*ast.BasicLit); ok && strings.HasPrefix(text.Value, `"/`) {
					path, _ := strconv.Unquote(text.Value)
					paths = append(paths, path)
				}
			}
			return true
		})
	}
	if len(paths) < 5 {
		t.Fatalf("found only the paths %q", paths)
	}
	return paths
}

// Each path has one method. All but one want a token, and one scope.
func TestSecurity(t *testing.T) {
	doc, err := document(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Security) != 1 || doc.Security[0]["bearer"] == nil {
		t.Errorf("security %v", doc.Security)
	}
	for path, item := range doc.Paths.Map() {
		if n := len(item.Operations()); n != 1 {
			t.Errorf("%s has %d operations", path, n)
		}
		if wanted := scope(doc, path); (wanted == "") != (path == "/healthz") {
			t.Errorf("%s: scope %q", path, wanted)
		}
	}
}

// scope returns the scope that a path wants, "" where it wants no token.
func scope(doc *openapi.Document, path string) string {
	_, operation := doc.Operation(path)
	if operation.Security == nil || len(*operation.Security) == 0 || len((*operation.Security)[0]["bearer"]) != 1 {
		return ""
	}
	return (*operation.Security)[0]["bearer"][0]
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
