package secret

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

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

func newHolder() holder {
	t := New(canary)
	return holder{t, t, &t, []Text{t}, map[string]Text{"k": t}, t}
}

func TestNothingPrintsIt(t *testing.T) {
	h := newHolder()
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

func FuzzNothingPrintsIt(f *testing.F) {
	f.Add("s3cret-value", "%v")
	f.Add("another one", "%-+#20.5q")
	f.Fuzz(func(t *testing.T, value, verb string) {
		h := holder{Open: New(value), closed: New(value)}
		// The same text printed for another secret: nothing depends on the value.
		other := holder{Open: New("other"), closed: New("other")}
		if got, want := fmt.Sprintf(verb, h.Open), fmt.Sprintf(verb, other.Open); got != want {
			t.Errorf("%q prints %q for one secret and %q for another", verb, got, want)
		}
	})
}
