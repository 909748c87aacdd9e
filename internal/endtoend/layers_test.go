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

	"kyc-ocr-relay/internal/testmain"
)

const module = "kyc-ocr-relay"

// layer is what a package imports: packages of this module by their path in it, and the path
// prefixes of drivers from elsewhere. The standard library is free to all.
type layer struct {
	imports string
	tests   string // what its tests import besides, of this module
	drivers string
	tool    bool // for tests and scripts: no part of the function
}

// layers is the whole house, exactly: an arrow that is missing here has no place, and one that is not
// drawn is to go.
var layers = map[string]layer{
	"": {imports: "handler internal/config internal/relay internal/role internal/scf internal/ticket"},
	"handler": {
		imports: "internal/budget internal/config internal/delivery internal/jsonscan internal/order internal/redact internal/relay internal/role internal/scf internal/secret internal/ticket internal/upstream signer",
		tests:   "internal/pipetest internal/simulator",
	},
	"internal/relay": {
		imports: "internal/config internal/delivery internal/order internal/role internal/secret internal/store internal/ticket internal/upstream signer",
		tests:   "internal/pipetest",
	},
	"internal/config": {
		imports: "internal/role internal/secret internal/ssm",
		tests:   "internal/apitest",
		drivers: "github.com/kelseyhightower/envconfig",
	},
	"internal/ssm": {
		imports: "internal/redact internal/role internal/roots internal/secret",
		tests:   "internal/apitest internal/gateway internal/pipetest internal/simulator internal/testmain",
		drivers: "github.com/tencentcloud/tencentcloud-sdk-go",
	},
	"internal/store": {
		imports: "internal/cos internal/redact internal/role internal/roots internal/ticket",
		tests:   "internal/costest internal/secret",
		drivers: "github.com/gomodule/redigo",
	},
	"internal/ticket": {
		imports: "internal/secret",
		tests:   "handler internal/relay internal/simulator internal/store internal/upstream signer",
	},
	"internal/delivery": {
		imports: "internal/cos internal/order internal/pause internal/redact internal/role internal/roots internal/secret internal/upstream",
		tests:   "internal/costest",
		drivers: "golang.org/x/sync",
	},
	"internal/upstream": {imports: "internal/http1 internal/jsonscan internal/pause internal/redact internal/roots internal/secret signer", tests: "internal/simulator"},
	"internal/order":    {imports: "internal/jsonscan", tests: "internal/relay internal/upstream"},
	"internal/jsonscan": {},
	"internal/cos": {
		imports: "internal/pause internal/redact internal/role internal/roots",
		tests:   "internal/secret",
	},
	"internal/http1":  {},
	"internal/onecpu": {},
	"internal/pause":  {},
	"internal/roots":  {},
	"internal/role":   {imports: "internal/secret"},
	"internal/budget": {},
	"internal/scf":    {imports: "internal/onecpu", drivers: "github.com/tencentyun/scf-go-lib"},
	"internal/secret": {},
	"internal/redact": {},
	"signer":          {},

	"docs/examples":         {tool: true, tests: "internal/config internal/gateway internal/pipetest internal/simulator internal/testmain"},
	"internal/apitest":      {tool: true},
	"internal/archive":      {tool: true},
	"internal/costest":      {tool: true},
	"docs/examples/clients": {tool: true},
	"internal/clients":      {tool: true, tests: "internal/gateway internal/simulator internal/testmain"},
	"internal/endtoend": {
		tool:  true,
		tests: "handler internal/apitest internal/config internal/costest internal/delivery internal/gateway internal/pipetest internal/relay internal/role internal/secret internal/simulator internal/ssm internal/testmain internal/ticket internal/upstream",
	},
	"internal/gateway": {tool: true, drivers: "github.com/tencentyun/scf-go-lib"},
	"internal/openapi": {
		tool:    true,
		tests:   "internal/gateway internal/simulator internal/testmain internal/upstream",
		drivers: "github.com/getkin/kin-openapi",
	},
	"internal/pipetest":          {tool: true},
	"internal/simulator":         {tool: true, tests: "internal/pipetest"},
	"internal/testmain":          {tool: true, imports: "internal/archive", drivers: "go.uber.org/goleak"},
	"scripts/bench":              {tool: true, imports: "internal/archive internal/gateway scripts/internal/chart scripts/internal/command scripts/internal/war"},
	"scripts/bench/empty":        {tool: true, drivers: "github.com/tencentyun/scf-go-lib"},
	"scripts/bench/floor":        {tool: true, drivers: "github.com/tencentyun/scf-go-lib"},
	"scripts/bench/obvious":      {tool: true, drivers: "github.com/tencentyun/scf-go-lib"},
	"scripts/bench/proxy":        {tool: true},
	"scripts/demo":               {tool: true, imports: "internal/gateway internal/simulator scripts/demo/internal/page scripts/internal/command scripts/internal/war"},
	"scripts/demo/internal/page": {tool: true, imports: "internal/gateway internal/simulator"},
	"scripts/deploy": {
		tool:    true,
		imports: "internal/archive internal/config internal/role internal/secret internal/store internal/ticket scripts/deploy/internal/deployment scripts/internal/command",
		tests:   "internal/apitest internal/gateway internal/simulator",
	},
	"scripts/deploy/internal/deployment": {
		tool:    true,
		imports: "internal/archive internal/config internal/role internal/secret internal/ssm internal/ticket internal/upstream",
		tests:   "internal/apitest internal/simulator",
		drivers: "github.com/tencentcloud/tencentcloud-sdk-go",
	},
	"scripts/internal/chart": {tool: true, drivers: "golang.org/x/image gonum.org/v1/plot"},
	"scripts/package": {
		tool:    true,
		imports: "internal/archive scripts/internal/command",
		tests:   "internal/config internal/gateway internal/simulator internal/testmain",
		drivers: "github.com/google/go-containerregistry golang.org/x/crypto/x509roots",
	},
	"scripts/internal/command": {tool: true, tests: "internal/apitest internal/testmain", drivers: "golang.org/x/term"},
	"scripts/postman":          {tool: true, imports: "internal/openapi scripts/internal/command", drivers: "github.com/getkin/kin-openapi"},
	"scripts/internal/war": {
		tool:    true,
		imports: "internal/gateway internal/pause internal/simulator signer",
		tests:   "internal/testmain",
		drivers: "github.com/alicebob/miniredis",
	},
	"scripts/internal/war/naive": {tool: true, imports: "signer", drivers: "github.com/gomodule/redigo"},
	"scripts/query": {
		tool:    true,
		imports: "internal/config internal/order internal/relay internal/role internal/secret internal/ticket internal/upstream scripts/internal/command signer",
		tests:   "internal/simulator internal/testmain",
	},
}

// testDrivers are what tests import from elsewhere, any of them.
var testDrivers = []string{
	"github.com/alicebob/miniredis",
	"github.com/creack/pty",
	"github.com/chromedp/cdproto",
	"github.com/chromedp/chromedp",
	"github.com/gomodule/redigo",
	"github.com/google/go-cmp",
	"github.com/hashicorp/hcl",
	"github.com/rhysd/actionlint",
	"github.com/standard-webhooks/standard-webhooks",
	"github.com/tencentcloud/tencentcloud-sdk-go",
	"github.com/tencentyun/cos-go-sdk-v5",
	"github.com/tencentyun/scf-go-lib",
	"github.com/zclconf/go-cty",
	"go.uber.org/goleak",
	"golang.org/x/oauth2",
	"k8s.io/api",
	"pgregory.net/rapid",
	"sigs.k8s.io/json",
	"sigs.k8s.io/yaml",
}

// listed is a package as the go command knows it.
type listed struct {
	ImportPath, Dir                             string
	GoFiles, Imports, TestImports, XTestImports []string
}

// path is the package's path in the module.
func (p listed) path() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

func packages(t *testing.T) (list []listed) {
	t.Helper()
	if err := testmain.WatchSources(); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports", module+"/...")
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p listed
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	drawn := map[string]bool{} // what is used of the table: "package imports path"
	found := map[string]bool{}
	for _, p := range packages(t) {
		name := p.path()
		l, known := layers[name]
		if !known {
			t.Errorf("%s has no place in the layers: decide what it may import and who may import it", p.ImportPath)
			continue
		}
		found[name] = true
		for _, imported := range p.Imports {
			if why := l.refuses(imported); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, why)
			}
			drawn[name+" imports "+l.allows(imported, l.imports, l.drivers)] = true
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			if imported == p.ImportPath || l.refuses(imported) == "" {
				continue
			}
			by := l.allows(imported, l.tests, strings.Join(testDrivers, " "))
			if by == "" {
				t.Errorf("the tests of %s import %s: not one of theirs", p.ImportPath, imported)
			}
			drawn[name+" tests "+by], drawn["tests "+by] = true, true
		}
	}
	for name, l := range layers {
		if !found[name] {
			t.Errorf("there is no package %q", name)
		}
		for allowed := range strings.FieldsSeq(l.imports + " " + l.drivers) {
			if !drawn[name+" imports "+allowed] {
				t.Errorf("%q may import %s, and does not", name, allowed)
			}
		}
		for allowed := range strings.FieldsSeq(l.tests) {
			if !drawn[name+" tests "+allowed] {
				t.Errorf("the tests of %q may import %s, and do not", name, allowed)
			}
		}
	}
	for _, driver := range testDrivers {
		if !drawn["tests "+driver] {
			t.Errorf("no test imports %s", driver)
		}
	}
}

// allows returns the entry of ours, or of the drivers, that path falls under; "" if none.
func (l layer) allows(path, ours, drivers string) string {
	if own, is := strings.CutPrefix(path, module+"/"); is {
		if slices.Contains(strings.Fields(ours), own) {
			return own
		}
		return ""
	}
	for driver := range strings.FieldsSeq(drivers) {
		if path == driver || strings.HasPrefix(path, driver+"/") {
			return driver
		}
	}
	return ""
}

// refuses says why a package of the layer may not import path, "" where it may.
func (l layer) refuses(path string) string {
	own, ours := strings.CutPrefix(path, module+"/")
	first, _, _ := strings.Cut(path, "/")
	switch {
	case l.allows(path, l.imports, l.drivers) != "":
		return ""
	case ours && layers[own].tool:
		return "it is for tests and scripts"
	case ours:
		return "the arrow points up, or aside"
	case !strings.Contains(first, "."):
		return "" // the standard library
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
		switch path := p.path(); {
		case path == "", path == "internal/config", layers[path].tool:
			continue
		case path == "internal/roots": // in place of crypto/x509, for which SSL_CERT_FILE is
			continue
		case path == "internal/onecpu": // before main
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
