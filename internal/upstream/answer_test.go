package upstream

import (
	"strings"
	"testing"
)

// TestClassify has every code of the vendor's documents.
func TestClassify(t *testing.T) {
	for class, codes := range map[Class]string{
		Success:    "0",
		Rejected:   "400101 400102 15",
		Permanent:  "400103 400104 400105 400502",
		Throttled:  "400501 400504 400506",
		Transient:  "999999 999998 999997",
		NotFound:   "66660020",
		BadRequest: "66660000 -1304",
		Business: `-9011 -9012 -9013 -9014 -9110 -9111 -9112 -9113 -9114 66661009
			66661001 66661003 66661004 66661005 66661006 66661007 66661008 66661010 66661012 66661099 66660015 300101
			66669999 1 -1 00 0.0 400100 400106 OK`,
	} {
		for code := range strings.FieldsSeq(codes) {
			if got := classify(code, 200); got != class {
				t.Errorf("classify(%s) = %d, want %d", code, got, class)
			}
		}
	}
	if got := classify("", 200); got != Business {
		t.Errorf("classify of nothing = %d", got)
	}
}

// Errors come with HTTP 200. Where the status says error and the code does not, the status counts.
func TestClassifyBelievesTheStatus(t *testing.T) {
	for _, c := range []struct {
		code   string
		status int
		want   Class
	}{
		{"0", 201, Success},
		{"0", 400, Permanent},
		{"0", 403, Permanent},
		{"0", 429, Throttled},
		{"0", 500, Transient},
		{"7", 503, Transient},
		{"-9011", 404, Permanent},
		{"400101", 401, Rejected},
		{"66660020", 404, NotFound},
		{"999999", 400, Transient},
		{"400501", 500, Throttled},
	} {
		if got := classify(c.code, c.status); got != c.want {
			t.Errorf("classify(%s, %d) = %d, want %d", c.code, c.status, got, c.want)
		}
	}
}

func TestOnlyNumbersAreRepeatedAsCodes(t *testing.T) {
	for code, want := range map[string]string{
		"0": "0", "-9011": "-9011", "66660020": "66660020", strings.Repeat("1", 20): strings.Repeat("1", 20),
		strings.Repeat("1", 21): "(not a number)", "1.5e3": "(not a number)", "6222 0209": "(not a number)",
		"canary": "(not a number)", "0\n": "(not a number)", "٣": "(not a number)",
	} {
		if got := printable(code); got != want {
			t.Errorf("printable(%q) = %q, want %q", code, got, want)
		}
	}
}

func TestPhoto(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"plain", `{"result":{"p":"/9j+AA=="}}`, "/9j+AA=="},
		{"slashes escaped", `{"result":{"p":"\/9j\/AA=="}}`, "/9j/AA=="},
		{"in letters escaped", `{"result":{"p":"\u002f9jA"}}`, "/9jA"},
		{"broken into lines", `{"result":{"p":"\/9j\r\nAAAA\n"}}`, "/9jAAAA"},
		{"the last of several", `{"result":{"p":"AAAA","p":"BBBB"}}`, "BBBB"},
		{"of the last result", `{"result":{"p":"AAAA"},"result":{"p":"BBBB"}}`, "BBBB"},
		{"in spaces", "{ \"result\" : { \"p\" :\n\"AAAA\" } }", "AAAA"},
		{"empty", `{"result":{"p":""}}`, ""},
		{"absent", `{"result":{"q":"AAAA"}}`, ""},
		{"null", `{"result":{"p":null}}`, ""},
		{"a number", `{"result":{"p":123}}`, ""},
		{"an object", `{"result":{"p":{"p":"AAAA"}}}`, ""},
		{"deeper", `{"result":{"r":{"p":"AAAA"}}}`, ""},
		{"not in result", `{"p":"AAAA","result":{}}`, ""},
		{"result null", `{"result":null}`, ""},
		{"result a list", `{"result":["p"]}`, ""},
		{"result a text", `{"result":"p"}`, ""},
		{"no result", `{"code":"0"}`, ""},
		{"the last result has none", `{"result":{"p":"AAAA"},"result":null}`, ""},
	} {
		a := Answer{Body: []byte(c.body)}
		if got := string(a.Photo("p")); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTypes(t *testing.T) {
	for typ, path := range map[Type]string{
		BankCard: "/api/server/getBankCardOcrResult", IDCard: "/api/server/getOcrResult",
		"driverlicense": "", "": "", "BANKCARD": "",
	} {
		if typ.Path() != path || typ.IsKnown() != (path != "") || (len(typ.Photos()) > 0) != (path != "") {
			t.Errorf("%q: path %q, known %v, %d photos", typ, typ.Path(), typ.IsKnown(), len(typ.Photos()))
		}
	}
}
