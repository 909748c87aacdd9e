package openapi_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/openapi"
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
