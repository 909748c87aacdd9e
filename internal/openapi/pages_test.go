package openapi_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The pages for users have a row for each code of the function's own, and for no other, and tell of
// each route of the document.
func TestPages(t *testing.T) {
	doc, err := document(t)
	if err != nil {
		t.Fatal(err)
	}
	known := append(constantCodes(t), "InvalidParameterValue.{Member}")
	slices.Sort(known)
	row := regexp.MustCompile("(?m)^\\| `([A-Z][A-Za-z.{}]+)` \\|")
	for _, page := range []string{"../../docs/http.md", "../../docs/http.zh-CN.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		var codes []string
		for _, match := range row.FindAllStringSubmatch(string(text), -1) {
			codes = append(codes, match[1])
		}
		slices.Sort(codes)
		if !slices.Equal(codes, known) {
			t.Errorf("%s has the codes\n%q\nthe function has\n%q", page, codes, known)
		}
		for path := range doc.Paths.Map() {
			if method, _ := doc.Operation(path); !strings.Contains(string(text), "`"+method+" "+path+"`") {
				t.Errorf("%s does not tell of %s %s", page, method, path)
			}
		}
	}
}
