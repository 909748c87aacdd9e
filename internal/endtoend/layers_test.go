package endtoend

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "kyc-ocr-relay"

// layer is what a package may import: packages of this module by their path in it, and the path
// prefixes of drivers from elsewhere. The standard library is free to all.
type layer struct {
	imports string
	drivers string
	tool    bool // for tests and scripts: no part of the function
}

// layers is the whole house. A package that is not in it has no place yet: give it one here.
var layers = map[string]layer{
	"": {
		imports: "handler internal/config internal/relay internal/role internal/scf internal/ticket",
	},
	"handler":           {imports: "internal/budget internal/config internal/delivery internal/jsonscan internal/order internal/redact internal/relay internal/role internal/scf internal/secret internal/ticket internal/upstream signer"},
	"internal/relay":    {imports: "internal/config internal/delivery internal/order internal/role internal/secret internal/store internal/ticket internal/upstream signer"},
	"internal/upstream": {imports: "internal/jsonscan internal/redact internal/secret signer"},
	"internal/ticket":   {imports: "internal/secret"},
	"internal/store":    {imports: "internal/cos internal/redact internal/role internal/ticket", drivers: "github.com/gomodule/redigo github.com/tencentyun/cos-go-sdk-v5"},
	"internal/delivery": {imports: "internal/cos internal/order internal/redact internal/role internal/secret internal/upstream", drivers: "github.com/tencentyun/cos-go-sdk-v5 golang.org/x/sync"},
	"internal/ssm":      {imports: "internal/redact internal/role internal/secret", drivers: "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"},
	"internal/config":   {imports: "internal/role internal/secret internal/ssm", drivers: "github.com/kelseyhightower/envconfig"},
	"internal/cos":      {imports: "internal/redact internal/role", drivers: "github.com/tencentyun/cos-go-sdk-v5"},
	"internal/role":     {imports: "internal/secret"},
	"internal/order":    {imports: "internal/jsonscan"},
	"internal/budget":   {},
	"internal/jsonscan": {},
	"internal/redact":   {},
	"internal/secret":   {},
	"signer":            {},

	"internal/scf": {drivers: "github.com/tencentyun/scf-go-lib"},

	"internal/pipetest":  {tool: true},
	"internal/simulator": {tool: true},
	"internal/gateway":   {tool: true, drivers: "github.com/tencentyun/scf-go-lib"},
	"internal/costest":   {tool: true},
	"internal/apitest":   {tool: true},
	"internal/archive":   {tool: true},
	"internal/openapi":   {tool: true, drivers: "github.com/getkin/kin-openapi"},
	"scripts/deploy/internal/deployment": {
		tool:    true,
		imports: "internal/archive internal/config internal/role internal/secret internal/ssm internal/ticket internal/upstream",
		drivers: "github.com/tencentcloud/tencentcloud-sdk-go",
	},
	"internal/endtoend": {tool: true},
}

// listed is a package as the go command knows it, without its tests.
type listed struct {
	ImportPath, Dir  string
	GoFiles, Imports []string
}

// path is the package's path in the module.
func (p listed) path() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

func packages(t *testing.T) (list []listed) {
	t.Helper()
	if err := watchSources(); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,GoFiles,Imports", module+"/...")
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p listed
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if path := p.path(); !strings.HasPrefix(path, "scripts/") || strings.Contains(path, "/internal/") {
			list = append(list, p)
		}
	}
	return list
}

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	found := 0
	for _, p := range packages(t) {
		l, known := layers[p.path()]
		if !known {
			t.Errorf("%s has no place in the layers: decide what it may import and who may import it", p.ImportPath)
			continue
		}
		found++
		for _, imported := range p.Imports {
			if why := l.refuses(imported); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, why)
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d packages were looked at", found)
	}
}

// refuses says why a package of the layer may not import path, "" where it may.
func (l layer) refuses(path string) string {
	own, ours := strings.CutPrefix(path, module+"/")
	switch first, _, _ := strings.Cut(path, "/"); {
	case ours && slices.Contains(strings.Fields(l.imports), own):
		return ""
	case ours && layers[own].tool:
		return "it is for tests and scripts"
	case ours:
		return "the arrow points up, or aside"
	case !strings.Contains(first, "."):
		return "" // the standard library
	}
	for _, driver := range strings.Fields(l.drivers) {
		if path == driver || strings.HasPrefix(path, driver+"/") {
			return ""
		}
	}
	return "not one of its drivers"
}

func TestLayersRefuse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to, want string }{
		{"handler", module + "/internal/simulator", "it is for tests and scripts"},
		{"handler", module + "/internal/store", "the arrow points up, or aside"},
		{"internal/relay", module + "/handler", "the arrow points up, or aside"},
		{"internal/delivery", module + "/handler", "the arrow points up, or aside"},
		{"internal/delivery", module + "/internal/ticket", "the arrow points up, or aside"},
		{"internal/upstream", module + "/internal/ticket", "the arrow points up, or aside"},
		{"signer", "github.com/gomodule/redigo/redis", "not one of its drivers"},
		{"internal/store", "github.com/gomodule/redigo/redis", ""},
		{"signer", "crypto/sha1", ""},
		{"internal/upstream", module + "/signer", ""},
	} {
		if got := layers[c.from].refuses(c.to); got != c.want {
			t.Errorf("%s imports %s: %q, want %q", c.from, c.to, got, c.want)
		}
	}
	for name, l := range layers {
		for imported := range strings.FieldsSeq(l.imports) {
			if target, known := layers[imported]; !known || target.tool && !l.tool {
				t.Errorf("%q may import %s, which is no part of the function", name, imported)
			}
		}
	}
}

// TestOnlyMainReadsTheEnvironment looks at the source: everything below takes values. The package
// config reads it for main, by envconfig.
func TestOnlyMainReadsTheEnvironment(t *testing.T) {
	t.Parallel()
	readers := []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}
	for _, p := range packages(t) {
		if path := p.path(); path == "" || path == "internal/config" || layers[path].tool {
			continue
		}
		for _, name := range p.GoFiles {
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok || !slices.Contains(readers, s.Sel.Name) {
					return true
				}
				if of, ok := s.X.(*ast.Ident); ok && (of.Name == "os" || of.Name == "syscall") {
					t.Errorf("%s reads the environment", files.Position(s.Pos()))
				}
				return true
			})
		}
	}
}
