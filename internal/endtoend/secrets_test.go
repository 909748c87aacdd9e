package endtoend

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/delivery"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ssm"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

// secretName is the name of a field that may hold a secret.
var secretName = regexp.MustCompile(`(?i)secret|token|ticket|passw|credential|^sign$|^keys?$|[a-z](?-i:Keys?)$`)

// plain are the fields that have such a name, or are a URL, and print what they hold, each with the
// reason why that is no secret, or is out of the reach of a log.
var plain = map[string]string{
	"config.Config.BaseURL":       "has neither user nor query: parseBaseURL refuses both",
	"config.environment.*":        "lives within Load and Parse, whose errors name variables only",
	"cos.Bucket.base":             "has neither user nor query: locate takes the host alone",
	"cos.Object.Key":              "the name of an object",
	"cos.call.key":                "the name of an object",
	"deployment.Account.SecretID": "the name of a key pair, which the cloud's own console shows",
	"deployment.step.sign":        "the + or ~ before a step",
	"main.cached.Ticket":          "of a simulated upstream, in what the war compares",
	"main.pair.Key":               "of a member in the Postman collection",
	"page.Config.Secret":          "the demo's own, which its page shows",
	"page.Config.Token":           "the demo's own, which its page shows",
	"ssm.Source.endpoint":         "has no user: isEndpoint refuses one; for trials",
	"ticket.plainFormer.Token":    "what is sealed, as JSON",
	"ticket.plainFormer.Ticket":   "what is sealed, as JSON",
	"ticket.plainPair.Ticket":     "what is sealed, as JSON: lives within the two functions that encode and decode it",
	"ticket.plainPair.Token":      "what is sealed, as JSON",
	"ticket.plainPending.Token":   "what is sealed, as JSON",
	"upstream.Client.base":        "config.Config.BaseURL",
	"upstream.Config.BaseURL":     "config.Config.BaseURL",
	"upstream.Trace.Ticket":       "a state in a word, for the log",
	"war.pair.ticket":             "of a simulated upstream",
	"war.pair.token":              "of a simulated upstream",
}

// holders has a value of every exported type of the function with a secret.Text in a field. The test
// below finds one that is missing here.
var holders = []any{
	config.App{}, config.Caller{}, config.Config{}, config.Location{},
	delivery.Config{}, role.Credentials{}, secret.Credential{}, ssm.Config{},
	relay.Returned{}, relay.Started{},
	ticket.App{}, ticket.Loan{}, ticket.Pair{}, upstream.Login{}, upstream.Params{}, upstream.Query{},
	(*upstream.Client)(nil).Issuer("IDA1", secret.New(canary)), // which reflection cannot fill
}

const canary = "CANARY-secret"

// TestSecretsAreUnprintable reads the source, so that no type can be forgotten: a field whose name says
// secret has a type that does not print it.
func TestSecretsAreUnprintable(t *testing.T) {
	t.Parallel()
	s := readTypes(t)
	used := map[string]bool{}
	for name, f := range s.fields {
		_, of, _ := strings.Cut(name, ".")
		_, of, _ = strings.Cut(of, ".")
		if !s.isURL(f) && !(secretName.MatchString(of) && s.isText(f)) {
			continue
		}
		all := strings.TrimSuffix(name, of) + "*"
		if plain[name] == "" && plain[all] == "" {
			t.Errorf("%s may hold a secret, and prints it: make it a secret.Text, or give the reason in plain", name)
		}
		used[name], used[all] = true, true
	}
	for name := range plain {
		if !used[name] {
			t.Errorf("%s is in plain, and there is no such field", name)
		}
	}
	if len(s.fields) < 100 {
		t.Errorf("only %d fields were looked at", len(s.fields))
	}

	listed := map[string]bool{} // whether a field holds a secret
	for _, holder := range holders {
		listed[reflect.TypeOf(holder).String()] = false
	}
	for name, f := range s.fields {
		typ := name[:strings.LastIndex(name, ".")]
		if !ast.IsExported(typ[strings.Index(typ, ".")+1:]) || !s.isSecret(f) || s.tools[f.pkg] {
			continue
		}
		if _, ok := listed[typ]; !ok {
			t.Errorf("%s holds a secret: give it to holders", typ)
		}
		listed[typ] = true
	}
	for typ, holds := range listed {
		if !holds {
			t.Errorf("%s is in holders, and has no field for a secret", typ)
		}
	}
}

// TestNothingPrintsASecret prints each holder, full of secrets, in every way there is.
func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	for _, holder := range holders {
		v := reflect.New(reflect.TypeOf(holder)).Elem()
		v.Set(reflect.ValueOf(holder))
		fill(v, secret.New(canary))
		var out bytes.Buffer
		for _, value := range []any{v.Interface(), v.Addr().Interface()} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				fmt.Fprintf(&out, verb, value)
			}
			_ = json.NewEncoder(&out).Encode(value) // of a function it prints nothing
			for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
				slog.New(h).Info("x", "value", value)
			}
		}
		if strings.Contains(out.String(), canary) || strings.Contains(out.String(), fmt.Sprintf("%x", canary)) {
			t.Errorf("%T prints its secret: %s", holder, &out)
		}
	}
}

// fill puts s wherever v has room for a secret.
func fill(v reflect.Value, s secret.Text) {
	switch {
	case !v.CanSet():
	case v.Type() == reflect.TypeFor[secret.Text]():
		v.Set(reflect.ValueOf(s))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), s)
		}
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), s)
	case v.Kind() == reflect.Pointer && v.Type() != reflect.TypeFor[*ticket.App](): // which holds one of its own
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), s)
	}
}

// fieldType is the type of a field, in the package that declares the field.
type fieldType struct {
	ast.Expr
	pkg string
}

// types are what the packages declare, those of tests and tools left out. Packages are called by their
// names, which are unique.
type types struct {
	fields map[string]fieldType // package.Type.field
	named  map[string]fieldType // package.Type
	tools  map[string]bool      // packages whose types holders cannot have
}

func readTypes(t *testing.T) *types {
	t.Helper()
	s := &types{fields: map[string]fieldType{}, named: map[string]fieldType{}, tools: map[string]bool{}}
	for _, p := range packages(t) {
		deployment := strings.HasPrefix(p.path(), "scripts/")
		if layers[p.path()].tool && !deployment {
			continue // their secrets are made up
		}
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			s.tools[file.Name.Name] = deployment
			ast.Inspect(file, func(n ast.Node) bool {
				if spec, ok := n.(*ast.TypeSpec); ok {
					s.declare(file.Name.Name, spec)
				}
				return true
			})
		}
	}
	return s
}

func (s *types) declare(pkg string, spec *ast.TypeSpec) {
	name := pkg + "." + spec.Name.Name
	s.named[name] = fieldType{spec.Type, pkg}
	body, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range body.Fields.List {
		for _, id := range f.Names {
			s.fields[name+"."+id.Name] = fieldType{f.Type, pkg}
		}
	}
}

// isText reports whether a value of the type can be printed as text, or as bytes, by itself.
func (s *types) isText(f fieldType) bool {
	return s.any(f, func(name string) bool {
		return slices.Contains([]string{"string", "byte", "any", "json.RawMessage", "bytes.Buffer", "strings.Builder"}, name)
	})
}

func (s *types) isURL(f fieldType) bool {
	return s.any(f, func(name string) bool { return name == "url.URL" })
}

func (s *types) isSecret(f fieldType) bool {
	return s.any(f, func(name string) bool { return name == "secret.Text" })
}

// any reports whether is holds for the name of the type, or of one that it is made of, but for the fields of
// structs.
func (s *types) any(f fieldType, is func(string) bool) bool {
	of := func(e ast.Expr) bool { return s.any(fieldType{e, f.pkg}, is) }
	var name string
	switch e := f.Expr.(type) {
	case *ast.StarExpr:
		return of(e.X)
	case *ast.ArrayType:
		return of(e.Elt)
	case *ast.MapType:
		return of(e.Key) || of(e.Value)
	case *ast.IndexExpr: // of a generic type, such as atomic.Pointer
		return of(e.Index)
	case *ast.InterfaceType:
		return len(e.Methods.List) == 0 && is("any")
	case *ast.Ident:
		if name = e.Name; s.named[f.pkg+"."+name].Expr != nil {
			name = f.pkg + "." + name
		}
	case *ast.SelectorExpr:
		name = fmt.Sprintf("%s.%s", e.X, e.Sel)
	default:
		return false
	}
	if is(name) {
		return true
	}
	next, ok := s.named[name]
	return ok && s.any(next, is)
}
