package examples

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"kyc-ocr-relay/internal/config"
)

// argument is an argument or a block of a resource, as the provider documents it.
type argument struct {
	Type      string // of an argument: string, number, bool, map (of strings)
	Required  bool
	Values    []string            // that it may have, if not all
	Conflicts []string            // arguments that may not stand beside it
	Block     map[string]argument // of a block: what is in it
}

var types = map[string]cty.Type{"string": cty.String, "number": cty.Number, "bool": cty.Bool, "map": cty.Map(cty.String)}

// terraform is a file, evaluated: "terraform validate" needs the provider, which is not to be had here.
type terraform struct {
	resources map[string]map[string]cty.Value // by "type.name", and by argument
	blocks    map[string][]block              // by "type.name"
	problems  []string
}

type block struct {
	name   string
	values map[string]cty.Value
}

// evaluate reads a file and holds every argument and block of its resources to the provider's schema:
// names, types, values, what is required, and that each reference leads to something.
func evaluate(t *testing.T, text []byte) *terraform {
	t.Helper()
	var schema struct {
		Source    string
		Resources map[string]map[string]argument
	}
	decode(t, read(t, "testdata/terraform.json"), &schema)
	file, diags := hclsyntax.ParseConfig(text, "main.tf", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	body := file.Body.(*hclsyntax.Body)
	f := &terraform{resources: map[string]map[string]cty.Value{}, blocks: map[string][]block{}}
	variables, locals := map[string]cty.Value{}, map[string]cty.Value{}
	for _, b := range body.Blocks {
		if b.Type == "variable" {
			variables[b.Labels[0]] = cty.StringVal("given-1250000000") // all are text
			if d := b.Body.Attributes["default"]; d != nil {
				variables[b.Labels[0]], _ = d.Expr.Value(nil)
			}
		}
	}
	scope := &hcl.EvalContext{
		Variables: map[string]cty.Value{"var": cty.ObjectVal(variables)},
		Functions: map[string]function.Function{
			"jsonencode": stdlib.JSONEncodeFunc, "split": stdlib.SplitFunc,
			"length": stdlib.LengthFunc, "element": stdlib.ElementFunc,
		},
	}
	for _, b := range body.Blocks {
		if b.Type == "locals" {
			for name, a := range b.Body.Attributes {
				locals[name] = f.value(a.Expr, scope, "locals."+name)
			}
		}
	}
	scope.Variables["local"] = cty.ObjectVal(locals)
	for _, b := range body.Blocks { // each resource stands behind those that it refers to
		switch b.Type {
		case "resource":
			f.resource(b, schema.Resources, scope)
		case "output":
			f.value(b.Body.Attributes["value"].Expr, scope, "output."+b.Labels[0])
		case "terraform", "provider", "variable", "locals":
		default:
			f.complain("%s: unknown block", b.Type)
		}
	}
	return f
}

func (f *terraform) complain(format string, arguments ...any) {
	f.problems = append(f.problems, fmt.Sprintf(format, arguments...))
}

// value evaluates an expression.
func (f *terraform) value(e hcl.Expression, scope *hcl.EvalContext, where string) cty.Value {
	v, diags := e.Value(scope)
	if diags.HasErrors() {
		f.complain("%s: %v", where, diags)
	}
	return v
}

func (f *terraform) resource(b *hclsyntax.Block, schemas map[string]map[string]argument, scope *hcl.EvalContext) {
	kind, name := b.Labels[0], b.Labels[1]
	schema, known := schemas[kind]
	if !known {
		f.complain("%s: unknown resource", kind)
		return
	}
	where := kind + "." + name
	if d := b.Body.Attributes["depends_on"]; d != nil {
		delete(b.Body.Attributes, "depends_on") // Terraform's own
		f.value(d.Expr, scope, where+".depends_on")
	}
	f.resources[where] = f.body(b.Body, schema, scope, where)
	for _, inner := range b.Body.Blocks {
		if a, known := schema[inner.Type]; known && a.Block != nil {
			f.blocks[where] = append(f.blocks[where], block{inner.Type, f.body(inner.Body, a.Block, scope, where+"."+inner.Type)})
		}
	}
	// What others may refer to.
	all := maps.Clone(f.resources[where])
	all["id"] = cty.StringVal("the id of " + where)
	siblings := map[string]cty.Value{}
	if of, exists := scope.Variables[kind]; exists {
		siblings = of.AsValueMap()
	}
	siblings[name] = cty.ObjectVal(all)
	scope.Variables[kind] = cty.ObjectVal(siblings)
}

// body checks the arguments and the names of the blocks of a body, and returns the arguments.
func (f *terraform) body(b *hclsyntax.Body, schema map[string]argument, scope *hcl.EvalContext, where string) map[string]cty.Value {
	values, given := map[string]cty.Value{}, map[string]bool{}
	for name, a := range b.Attributes {
		given[name] = true
		want, known := schema[name]
		if !known || want.Block != nil {
			f.complain("%s.%s: no such argument", where, name)
			continue
		}
		v, err := convert.Convert(f.value(a.Expr, scope, where+"."+name), types[want.Type])
		if err != nil {
			f.complain("%s.%s: %v", where, name, err)
			continue
		}
		if len(want.Values) > 0 && !slices.Contains(want.Values, v.AsString()) {
			f.complain("%s.%s: may be %q, not %q", where, name, want.Values, v.AsString())
		}
		values[name] = v
	}
	for _, inner := range b.Blocks {
		given[inner.Type] = true
		if schema[inner.Type].Block == nil {
			f.complain("%s.%s: no such block", where, inner.Type)
		}
	}
	for name, a := range schema {
		if a.Required && !given[name] {
			f.complain("%s.%s: required", where, name)
		}
		for _, other := range a.Conflicts {
			if given[name] && given[other] {
				f.complain("%s: %s and %s exclude each other", where, name, other)
			}
		}
	}
	return values
}

func TestTerraform(t *testing.T) {
	text := read(t, "terraform/main.tf")
	if formatted := hclwrite.Format(text); !bytes.Equal(formatted, text) {
		t.Errorf("terraform fmt would change the file: %s", cmp.Diff(string(text), string(formatted)))
	}
	f := evaluate(t, text)
	for _, problem := range f.problems {
		t.Error(problem)
	}
	triggers := map[string][2]string{
		"web":   {"http", `{"AuthType":"NONE","NetConfig":{"EnableExtranet":true,"EnableIntranet":false}}`},
		"event": {"timer", "0 */5 * * * * *"},
	}
	for kind, want := range triggers {
		where := "tencentcloud_scf_function." + kind
		function := f.resources[where]
		if zip := path.Base(function["zip_file"].AsString()); zip != kind+".zip" {
			t.Errorf("%s has the code %s", kind, zip)
		}
		if diff := cmp.Diff(map[string]string{
			"SECRET_SOURCE": "ssm://ap-guangzhou/kyc-ocr-relay", "TICKET_STORE": "cos://given-1250000000.ap-guangzhou/kyc",
		}, texts(function["environment"])); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
		for name := range texts(function["environment"]) {
			if !slices.Contains(config.Variables(), name) {
				t.Errorf("%s: the relay knows no %s", kind, name)
			}
		}
		blocks := f.blocks[where]
		if len(blocks) != 1 || blocks[0].values["type"].AsString() != want[0] || blocks[0].values["trigger_desc"].AsString() != want[1] {
			t.Errorf("%s has the triggers %v", kind, blocks)
		}
	}
	var policy struct {
		Statement []struct{ Action, Resource []string }
	}
	if err := json.Unmarshal([]byte(f.resources["tencentcloud_cam_policy.relay"]["document"].AsString()), &policy); err != nil {
		t.Fatal(err)
	}
	var granted []string
	for _, s := range policy.Statement {
		granted = append(granted, s.Action...)
		for _, r := range s.Resource {
			if strings.HasSuffix(r, ":*") || r == "*" {
				t.Errorf("%v is for everything", s.Action)
			}
		}
	}
	for _, needed := range []string{"GetSecretValue", "GetBucket", "GetObject", "HeadObject", "PutObject", "DeleteObject"} {
		if !slices.ContainsFunc(granted, func(g string) bool { return strings.HasSuffix(g, ":"+needed) }) {
			t.Errorf("the role may not %s", needed)
		}
	}
}

func texts(v cty.Value) map[string]string {
	m := map[string]string{}
	for name, value := range v.AsValueMap() {
		m[name] = value.AsString()
	}
	return m
}

func TestTerraformMistakesAreNoticed(t *testing.T) {
	for before, after := range map[string]string{
		"mem_size  ":                           "memory_size",
		"triggers {":                           "trigger {",
		`type = "http"`:                        `type = "url"`,
		"timeout           = 60 #":             `timeout = "long" #`,
		"tencentcloud_cls_topic.relay.id\n\n":  "tencentcloud_cls_topic.other.id\n\n",
		"trigger_desc = \"0":                   "description = \"0",
		"var.bucket}.":                         "var.buckets}.",
		"enable_public_net = true\n":           "image_config {\nimage_type = \"personal\"\nimage_uri = \"x\"\n}\n",
		"resource \"tencentcloud_cam_policy\"": "resource \"tencentcloud_cam_policies\"",
	} {
		text := string(read(t, "terraform/main.tf"))
		changed := strings.Replace(text, before, after, 1)
		if changed == text {
			t.Errorf("%q is not in the file", before)
		}
		if f := evaluate(t, []byte(changed)); len(f.problems) == 0 {
			t.Errorf("%q was accepted for %q", after, before)
		}
	}
}
