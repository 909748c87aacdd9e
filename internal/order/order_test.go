package order

import (
	"strings"
	"testing"
)

func TestOrderNumbers(t *testing.T) {
	for s, want := range map[string]bool{
		"a": true, "Z": true, "0": true, strings.Repeat("9", 32): true, "azAZ09": true,
		"": false, strings.Repeat("9", 33): false, "a-b": false, "a_b": false, "a b": false, "a.b": false, "a/b": false,
		"a\x00": false, "卡": false, "é": false, "a&b=c": false, "@": false, "[": false, "`": false, "{": false, ":": false,
	} {
		if IsNo(s) != want {
			t.Errorf("IsNo(%q) = %v", s, !want)
		}
	}
}
