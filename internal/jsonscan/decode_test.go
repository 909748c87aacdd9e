package jsonscan

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzDecode compares Decode, Items and Text with encoding/json.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"a":"x\\","a":"\\\"" , "b" : [ {"c":"]}"} , [[]] , -1.5e3 ],"\u0061":{}}`, ` { } `, `{"":"","é":"é","\ud83d\ude00":"\/"}`,
		`{"a":[true,false,null,"",1],"b":[],"c":{"d":[1,[2]]}}`, "\t{\n\"a\"\r: 1 }\n", `{"a":"` + strings.Repeat(`\\`, 99) + `"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var want map[string]json.RawMessage
		err := json.Unmarshal(payload, &want)
		got, ok := Decode(payload)
		if ok != (err == nil && want != nil) || ok && len(got) != len(want) {
			t.Fatalf("Decode(%q) = %q, %v, want %q, %v", payload, got, ok, want, err)
		}
		if !ok {
			return
		}
		for name, value := range want {
			if !bytes.Equal(got[name], value) {
				t.Errorf("Decode(%q): %q is %s, want %s", payload, name, got[name], value)
			}
			var s string
			_ = json.Unmarshal(value, &s)
			if Text(value) != s {
				t.Errorf("Text(%s) = %q, want %q", value, Text(value), s)
			}
			var list []json.RawMessage
			_ = json.Unmarshal(value, &list)
			n := 0
			for item := range Items(value) {
				if n == len(list) || !bytes.Equal(item, list[n]) {
					t.Fatalf("Items(%s): the one at %d is %s", value, n, item)
				}
				n++
			}
			if n != len(list) {
				t.Errorf("Items(%s): %d, want %d", value, n, len(list))
			}
		}
	})
}
