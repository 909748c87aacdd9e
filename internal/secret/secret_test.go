package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "canary-7f3a9c"

// holder has the secret where careless code would have it: in fields, behind
// pointers, in maps and slices, exported and not.
type holder struct {
	Open    Text
	closed  Text
	pointer *Text
	list    []Text
	byName  map[string]Text
	any     any
}

func TestNothingPrintsIt(t *testing.T) {
	h := hold(canary)
	for _, v := range []any{h.Open, &h.Open, h, &h, []any{h}, map[string]any{"h": h}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%10.3s", "% x", "%!"} {
			check(t, verb, fmt.Sprintf(verb, v))
		}
		check(t, "Sprint", fmt.Sprint(v))
		check(t, "error", fmt.Errorf("step: %v: %w", v, errors.New("x")).Error())

		var out bytes.Buffer
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		if j, err := json.Marshal(v); err == nil {
			out.Write(j)
		}
		if x, err := xml.Marshal(v); err == nil {
			out.Write(x)
		}
		// gob may refuse it: what counts is what it wrote.
		_ = gob.NewEncoder(&out).Encode(v)
		check(t, "encoders", out.String())
	}
}

func check(t *testing.T, how, printed string) {
	t.Helper()
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprintf("% x", canary), fmt.Sprint([]byte(canary))} {
		if strings.Contains(printed, form) {
			t.Errorf("%s printed the secret: %s", how, printed)
		}
	}
}

func TestPlaceholderIsSeen(t *testing.T) {
	if got := fmt.Sprintf("%#v", New(canary)); got != redacted {
		t.Errorf("got %q", got)
	}
	if j, err := json.Marshal(New(canary)); err != nil || string(j) != `"`+redacted+`"` {
		t.Errorf("got %s, %v", j, err)
	}
}

func TestRevealAndEqual(t *testing.T) {
	if got := New(canary).Reveal(); got != canary {
		t.Errorf("Reveal() = %q", got)
	}
	var zero Text
	if zero.Reveal() != "" || !zero.IsEmpty() || New("x").IsEmpty() {
		t.Error("the zero Text is not the empty secret")
	}
	if !New("a").Equal(New("a")) || New("a").Equal(New("b")) || New("a").Equal(zero) || !zero.Equal(New("")) {
		t.Error("Equal is wrong")
	}
}

// FuzzNothingPrintsIt has a secret printed by everything, with any format. Alone, the outcome is the
// same for every secret, unless the format asks for addresses (%p, and %w of what is no error); in
// whatever holds it, no form of the secret is in the outcome.
func FuzzNothingPrintsIt(f *testing.F) {
	f.Fuzz(func(t *testing.T, value, format string) {
		one, two := hold(value), hold("another")
		for i, v := range one.alone() {
			if strings.ContainsAny(format, "pw") {
				break
			}
			if got, want := fmt.Sprintf(format, v), fmt.Sprintf(format, two.alone()[i]); got != want {
				t.Errorf("%q prints %q for one secret and %q for another", format, got, want)
			}
			if got, want := fmt.Errorf(format, v).Error(), fmt.Errorf(format, two.alone()[i]).Error(); got != want {
				t.Errorf("an error of %q is %q for one secret and %q for another", format, got, want)
			}
		}
		if len(value) < 8 {
			return // may be in a name or in an address
		}
		// What is there with another secret as well, but for addresses, is no leak.
		got, usual := one.everywhere(format), two.everywhere(format)
		for name, form := range forms(value) {
			if strings.Contains(got, form) && !strings.Contains(usual, form) {
				t.Errorf("%q prints %q %s: %s", format, value, name, got)
			}
		}
	})
}

func hold(value string) holder {
	t := New(value)
	return holder{t, t, &t, []Text{t}, map[string]Text{"k": t}, t}
}

// alone are the values that print nothing but a placeholder.
func (h holder) alone() []any { return []any{h.Open, h.list, h.byName, []any{h.any}, &h.Open} }

// everywhere is what everything prints of it.
func (h holder) everywhere(format string) string {
	var out bytes.Buffer
	credential := Credential{Value: h.Open}
	for i, v := range []any{h, &credential, h.Open, &h, []any{h}, map[string]any{"h": h}, struct{ inner holder }{h}} {
		fmt.Fprintf(&out, format, v)
		fmt.Fprintln(&out, fmt.Errorf(format, v), v)
		for _, log := range []*slog.Logger{slog.New(slog.NewJSONHandler(&out, nil)), slog.New(slog.NewTextHandler(&out, nil))} {
			log.With("w", v).WithGroup("g").Info(format, "v", v, slog.Group("in", "v", v))
		}
		if i > 2 {
			continue // encoders are slow, and find nothing more in these
		}
		for _, encode := range []func(any) error{
			func(v any) error { return json.NewEncoder(&out).Encode(v) },
			func(v any) error { return xml.NewEncoder(&out).Encode(v) },
			func(v any) error { return gob.NewEncoder(&out).Encode(v) },
		} {
			if err := encode(v); err != nil { // refusing is fine, telling is not
				out.WriteString(err.Error())
			}
		}
	}
	return out.String()
}

// forms are the ways in which a text is usually printed.
func forms(value string) map[string]string {
	quoted, ascii := strconv.Quote(value), strconv.QuoteToASCII(value)
	text, _ := json.Marshal(value)
	return map[string]string{
		"as it is": value, "quoted": quoted[1 : len(quoted)-1], "quoted in ASCII": ascii[1 : len(ascii)-1], "as JSON": string(text[1 : len(text)-1]),
		"in hex": fmt.Sprintf("%x", value), "in capital hex": fmt.Sprintf("%X", value), "in spaced hex": fmt.Sprintf("% x", value), "in spaced capital hex": fmt.Sprintf("% X", value),
		"as bytes": strings.Trim(fmt.Sprint([]byte(value)), "[]"), "in Base64": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(value)), "="),
		"in a URL": url.QueryEscape(value),
	}
}
