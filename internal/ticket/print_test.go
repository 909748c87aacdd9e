package ticket

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
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// TestNoTypePrintsASecret has every type of the package printed, each with secrets in it. The
// plain types are left out: they exist to be written, and only seal's two ways use them.
func TestNoTypePrintsASecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := App{Issuer: fuzzMint{}, Secret: secret.New("minted-secret"), Next: &App{Issuer: fuzzMint{}, Secret: secret.New("minted-next")}}
		config := Config{Apps: map[string]App{"IDA1": app}, Store: &Memory{}, Schedule: fuzzSchedule}
		c := New(config)
		rotation := c.apps["IDA1"]
		pair, renewal, err := c.Get(t.Context(), "IDA1")
		renewal.Wait()
		if err != nil {
			t.Fatal(err)
		}
		renewal.rejected = pair.Ticket
		r := record{
			Pair: pair.share(), Pending: &pending{Token: pair.Token}, Lease: &lease{Holder: "holder"}, Failure: &failure{Reason: "reason"},
		}
		a := rotation.first
		s := a.seal()
		stored, err := c.apps["IDA1"].first.store.Load(t.Context(), s.name)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, v := range []any{
			pair, a.view.Load(), a, rotation, c, renewal, &app, &config, &config.Schedule, a.store, &stored, &s, &r, r.Pair, &r.Pair.terms, r.Pending, r.Lease, r.Failure,
			former{Ticket: pair.Ticket}, Loan{Token: pair.Token, Ticket: pair.Ticket}, use, pair.source, Fresh, Rejected, c.Status("IDA1"), Failure{Reason: "reason"},
		} {
			value := reflect.Indirect(reflect.ValueOf(v))
			seen[value.Type().Name()] = true
			for _, v := range []any{v, value.Interface(), []any{v, value.Interface()}, map[string]any{"v": value.Interface()}} {
				printed := printAll(v)
				for _, form := range []string{"minted-", fmt.Sprintf("%x", "minted-"), strings.Trim(fmt.Sprint([]byte("minted-")), "[]")} {
					if strings.Contains(printed, form) {
						t.Errorf("%T prints a secret: %s", v, printed)
					}
				}
			}
		}
		for _, name := range declaredTypes(t) {
			if !seen[name] {
				t.Errorf("the type %s is not looked at", name)
			}
		}
	})
}

// printAll is what everything prints of v.
func printAll(v any) string {
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb, v)
	}
	for _, log := range []*slog.Logger{slog.New(slog.NewJSONHandler(&out, nil)), slog.New(slog.NewTextHandler(&out, nil))} {
		log.With("w", v).WithGroup("g").Info("m", "v", v)
	}
	data, err := json.Marshal(v)
	fmt.Fprintln(&out, string(data), err)
	return out.String()
}

// declaredTypes returns the types of the package that hold something, but for the plain ones.
func declaredTypes(t *testing.T) (names []string) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeSpec:
				_, isInterface := n.Type.(*ast.InterfaceType)
				if !isInterface && file != "plain.go" {
					names = append(names, n.Name.Name)
				}
			case *ast.Ident:
				if strings.HasPrefix(n.Name, "plain") && file != "plain.go" {
					t.Errorf("%s uses %s", file, n.Name)
				}
			}
			return true
		})
	}
	return names
}

// The sealed text does not depend on how a record is kept in memory: another version of the
// function, beside this one on the same store, reads it.
func TestSealedTextIsTheSame(t *testing.T) {
	const golden = `{"pair":{"generation":946684740000,"token":"t\u003c1","ticket":"k\"2","minted":"1999-12-31T23:59:00Z",` +
		`"renew":"2000-01-01T00:19:00Z","expires":"2000-01-01T00:59:00Z","forced":true,"row":2,"proved":true,"futile":true,"doubtful":true},` +
		`"pending":{"token":"t3","minted":"1999-12-31T23:59:30Z","life":7200000000000,"after":946684740000},` +
		`"lease":{"holder":"somebody","until":"2000-01-01T00:00:05Z"},` +
		`"failure":{"count":3,"until":"2000-01-01T00:00:08Z","reason":"access token: code 400104","refused":true}}`
	at := func(text string) time.Time {
		moment, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	r := record{
		Pair: &shared{Generation: 946684740000, Token: secret.New("t<1"), Ticket: secret.New(`k"2`), terms: terms{
			Minted: at("1999-12-31T23:59:00Z"), Renew: at("2000-01-01T00:19:00Z"), Expires: at("2000-01-01T00:59:00Z"),
			Forced: true, Row: 2, Proved: true, Futile: true, Doubtful: true,
		}},
		Pending: &pending{secret.New("t3"), at("1999-12-31T23:59:30Z"), 2 * time.Hour, 946684740000},
		Lease:   &lease{"somebody", at("2000-01-01T00:00:05Z")},
		Failure: &failure{3, at("2000-01-01T00:00:08Z"), "access token: code 400104", true},
	}
	if got := string(r.encode()); got != golden {
		t.Errorf("sealed is\n%s, want\n%s", got, golden)
	}
	again, ok := decode([]byte(golden))
	if got := string(again.encode()); !ok || got != golden {
		t.Errorf("read and sealed again it is\n%s, %t", got, ok)
	}
	r.Pair.Former = []former{{secret.New("t1"), secret.New("k1"), at("1999-12-31T23:59:59Z")}, {secret.New(""), secret.New("k0"), at("1999-12-31T23:50:00Z")}}
	withFormer := strings.Replace(golden, `"doubtful":true}`,
		`"doubtful":true,"former":[{"token":"t1","ticket":"k1","end":"1999-12-31T23:59:59Z"},{"ticket":"k0","end":"1999-12-31T23:50:00Z"}]}`, 1)
	if got := string(r.encode()); got != withFormer {
		t.Errorf("with former tickets sealed is\n%s, want\n%s", got, withFormer)
	}
	if again, ok = decode([]byte(withFormer)); !ok || string(again.encode()) != withFormer {
		t.Errorf("read and sealed again it is\n%s, %t", again.encode(), ok)
	}
	for _, pair := range []record{{}, {Pair: &shared{}}} {
		want := `{}`
		if pair.Pair != nil {
			want = `{"pair":{"generation":0,"token":"","ticket":"","minted":"0001-01-01T00:00:00Z","renew":"0001-01-01T00:00:00Z","expires":"0001-01-01T00:00:00Z"}}`
		}
		if got := string(pair.encode()); got != want {
			t.Errorf("sealed is %s, want %s", got, want)
		}
	}
}
