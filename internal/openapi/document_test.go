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

// Every code of the function is in the document, and no other. Each has an example, but for most
// of those that name a member.
func TestCodes(t *testing.T) {
	doc, err := document(t)
	if err != nil {
		t.Fatal(err)
	}
	documented, constant, members := documentedCodes(doc), constantCodes(t), memberCodes(t)
	for _, code := range slices.Concat(constant, members) {
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
		if !slices.Contains(constant, code) && !slices.Contains(members, code) {
			t.Errorf("%s is not in the package handler", code)
		}
		if !examples[code] && !slices.Contains(members, code) {
			t.Errorf("%s has no example", code)
		}
	}
}

// documentedCodes returns the codes that the document's schemas name, sorted.
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
	return slices.Compact(codes)
}

// handlerFiles returns the source of the package handler.
func handlerFiles(t *testing.T) (files []*ast.File) {
	t.Helper()
	paths, err := filepath.Glob("../../handler/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// constantCodes returns the values of the constants code… in the package handler, but for the
// prefix of some.
func constantCodes(t *testing.T) (codes []string) {
	t.Helper()
	values := map[string]string{}
	value := func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.BasicLit:
			text, _ := strconv.Unquote(e.Value)
			return text
		case *ast.Ident:
			return values[e.Name]
		}
		return ""
	}
	for _, file := range handlerFiles(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "code") {
				return true
			}
			code := value(spec.Values[0])
			if sum, ok := spec.Values[0].(*ast.BinaryExpr); ok {
				code = value(sum.X) + value(sum.Y)
			}
			values[spec.Names[0].Name] = code
			if !strings.HasSuffix(code, ".") {
				codes = append(codes, code)
			}
			return true
		})
	}
	if len(codes) < 10 {
		t.Fatalf("found only the codes %q", codes)
	}
	return codes
}

// memberCodes returns the codes about members of a body: those that the routes name where they
// read one, and those of the bodies that are handed on.
func memberCodes(t *testing.T) (codes []string) {
	t.Helper()
	members := []string{"user_id", "name", "id_no", "webank_app_id"} // in the upstream's spelling: userId, …
	literals := func(list []ast.Expr) {
		for _, e := range list {
			if literal, ok := e.(*ast.BasicLit); ok {
				name, _ := strconv.Unquote(literal.Value)
				members = append(members, name)
			}
		}
	}
	for _, file := range handlerFiles(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				if n.Names[0].Name == "startMembers" {
					literals(n.Values[0].(*ast.CompositeLit).Elts)
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "body" {
					literals(n.Args)
				}
			}
			return true
		})
	}
	if len(members) < 20 {
		t.Fatalf("found only the members %q", members)
	}
	for _, member := range members {
		var code strings.Builder
		for part := range strings.SplitSeq(member, "_") {
			code.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
		codes = append(codes, "InvalidParameterValue."+code.String())
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
	if operation.Security == nil || len(*operation.Security) != 1 || len((*operation.Security)[0]["bearer"]) != 1 {
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
