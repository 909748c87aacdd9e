package jsonscan

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheckFindsAMember(t *testing.T) {
	deep := func(n int) string {
		return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `,"code":"0"}`
	}
	for _, c := range []struct {
		name, body, code string
		ok               bool
	}{
		{"text", `{"code":"0"}`, "0", true},
		{"a number", `{"code":-9011}`, "-9011", true},
		{"a number that is no integer", `{"code":1.50e+3}`, "1.50e+3", true},
		{"escapes", `{"c\u006fde":"\u0030\/"}`, "0/", true},
		{"half a surrogate", `{"code":"\ud83d"}`, "\ufffd", true},
		{"the last of several", `{"code":"1","code":"2","code":3}`, "3", true},
		{"the last of several has none", `{"code":"1","code":null}`, "", true},
		{"not that of a child", `{"result":{"code":"1"},"list":[{"code":"2"}]}`, "", true},
		{"not in another case", `{"Code":"1","CODE":"2"}`, "", true},
		{"not in a text", `{"msg":"\",\"code\":\"1"}`, "", true},
		{"true", `{"code":true}`, "", true},
		{"an object", `{"code":{"code":"0"}}`, "", true},
		{"a list", `{"code":["0"]}`, "", true},
		{"empty", `{"code":""}`, "", true},
		{"no member", ` { } `, "", true},
		{"white space", "\r\n\t {\n\"code\" \t:\r 0 } \n", "0", true},
		{"quotes on the border of a word", `{"msg":"1234567","code":"0"}`, "0", true},
		{"as deep as may be", deep(maxDepth), "0", true},
		{"deeper", deep(maxDepth + 1), "", false},

		{"nothing", ``, "", false},
		{"white space alone", " \n", "", false},
		{"a list at the top", `[{"code":"0"}]`, "", false},
		{"a text at the top", `"code"`, "", false},
		{"null", `null`, "", false},
		{"two objects", `{"code":"0"}{}`, "", false},
		{"something behind", `{"code":"0"} x`, "", false},
		{"a byte order mark", "\ufeff{\"code\":\"0\"}", "", false},
		{"cut in a member", `{"code":"0"`, "", false},
		{"cut in a text", `{"code":"0`, "", false},
		{"cut in an escape", `{"code":"\u00`, "", false},
		{"cut behind a colon", `{"code":`, "", false},
		{"a comma too many", `{"code":"0",}`, "", false},
		{"a comma missing", `{"code":"0" "a":1}`, "", false},
		{"no colon", `{"code" "0"}`, "", false},
		{"a name that is no text", `{code:"0"}`, "", false},
		{"other quotes", `{'code':'0'}`, "", false},
		{"a zero in front", `{"code":00}`, "", false},
		{"a plus in front", `{"code":+1}`, "", false},
		{"a minus alone", `{"code":-}`, "", false},
		{"a point without digits", `{"code":1.}`, "", false},
		{"an exponent without digits", `{"code":1e}`, "", false},
		{"NaN", `{"code":NaN}`, "", false},
		{"a wrong literal", `{"a":nul,"code":"0"}`, "", false},
		{"a line break in a text", "{\"code\":\"0\",\"a\":\"\n\"}", "", false},
		{"a NUL in a text", "{\"code\":\"0\",\"a\":\"12345678\x00\"}", "", false},
		{"an unknown escape", `{"code":"0","a":"\x41"}`, "", false},
		{"a byte that is not UTF-8", "{\"code\":\"0\",\"a\":\"\xff\"}", "", false},
		{"a surrogate in UTF-8", "{\"code\":\"0\",\"a\":\"\xed\xa0\x80\"}", "", false},
		{"an overlong slash", "{\"code\":\"0\",\"a\":\"\xc0\xaf\"}", "", false},
	} {
		if code, _, ok := check([]byte(c.body)); ok != c.ok || ok && code != c.code {
			t.Errorf("%s: Check(%q) = %q, %v, want %q, %v", c.name, c.body, code, ok, c.code, c.ok)
		}
	}
}

// check returns the code of an answer.
func check(body []byte) (code string, marks []int32, ok bool) {
	value, marks, ok := Check(body, "code", true)
	return Scalar(value), marks, ok
}

// FuzzCheck compares Check with encoding/json, which is slower and more lenient about UTF-8.
func FuzzCheck(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		code, marks, ok := check(body)
		want, wantOK := decodeCode(body)
		if wantOK && depth(body) > maxDepth {
			wantOK = false
		}
		if ok != wantOK || ok && code != want {
			t.Errorf("Check(%q) = %q, %v, want %q, %v", body, code, ok, want, wantOK)
		}
		if ok {
			checkMembers(t, body)
			checkMarks(t, body, marks)
		}
		if !bytes.Equal(body, before) {
			t.Errorf("Check changed %q", before)
		}
	})
}

// checkMarks looks for each byte that a JSON string of body needs a backslash for.
func checkMarks(t *testing.T, body []byte, marks []int32) {
	t.Helper()
	var want []int32
	for i, c := range body {
		if c == '"' || c == '\\' || c < ' ' {
			want = append(want, int32(i)) // #nosec G115 -- no test has 2 GB
		}
	}
	if len(want) > maxMarks && marks == nil {
		return
	}
	if marks == nil || !slices.Equal(marks, want) {
		t.Errorf("marks of %q: %v, want %v", body, marks, want)
	}
}

// decodeCode is what Check promises, by encoding/json.
func decodeCode(body []byte) (code string, ok bool) {
	if !json.Valid(body) || !utf8.Valid(body) {
		return "", false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return "", false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return "", false
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return "", false
		}
		if name != "code" {
			continue
		}
		code = ""
		if value[0] == '"' {
			_ = json.Unmarshal(value, &code)
		} else if value[0] == '-' || value[0] >= '0' && value[0] <= '9' {
			code = string(value)
		}
	}
	return code, true
}

// depth returns how deep valid JSON is nested.
func depth(body []byte) (deepest int) {
	d := json.NewDecoder(bytes.NewReader(body))
	for level := 0; ; {
		token, err := d.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			level++
			deepest = max(deepest, level)
		case json.Delim('}'), json.Delim(']'):
			level--
		}
	}
}

// checkMembers holds Member to a map decoded by encoding/json.
func checkMembers(t *testing.T, body []byte) {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatal(err)
	}
	for name, want := range members {
		if got := Member(body, name); !bytes.Equal(got, want) {
			t.Errorf("Member(%q, %q) = %q, want %q", body, name, got, want)
		}
	}
	if got := Member(body, "a name that nobody gives"); len(got) != 0 {
		t.Errorf("Member(%q) = %q for an unknown name", body, got)
	}
}
