package jsonscan

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestWalkEndsWhereVisitWants(t *testing.T) {
	seen := 0
	if Walk([]byte(`{"a":1,"b":2}`), func(string, int, int) bool { seen++; return false }) || seen != 1 {
		t.Errorf("visited %d", seen)
	}
}

// FuzzWalk holds Walk to Check and to encoding/json.
func FuzzWalk(f *testing.F) {
	for _, seed := range []string{`{"a":1}`, ` { } `, `{"\u0061":"x","a":[{}]} `, `{"a":1}x`, `{"a":"` + "\xff" + `"}`, `[]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		last := map[string]json.RawMessage{}
		ok := Walk(text, func(name string, from, to int) bool {
			last[name] = text[from:to]
			return true
		})
		if _, _, want := Check(text, "", false); ok != want {
			t.Fatalf("Walk(%q) = %t, Check says %t", text, ok, want)
		}
		if !ok {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(text, &want); err != nil || len(want) != len(last) {
			t.Fatalf("Walk(%q): %d members, want %d, %v", text, len(last), len(want), err)
		}
		for name, value := range want {
			if !bytes.Equal(last[name], value) {
				t.Errorf("Walk(%q): %q is %s, want %s", text, name, last[name], value)
			}
		}
	})
}
