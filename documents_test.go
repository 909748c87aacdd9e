package main

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// document is what the tests of the documents look at in a Markdown file.
type document struct {
	headings []string // with their number signs
	anchors  []string // of the headings, as GitHub makes them
	links    []string
	rows     int // of tables
	fences   int // of blocks of code
}

var link = regexp.MustCompile(`\]\(([^()\s]+)\)`)

func readDocument(t *testing.T, path string) (d document) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	code := false
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "```"):
			code = !code
			d.fences++
			continue
		case code:
			continue
		case strings.HasPrefix(line, "#"):
			heading := strings.TrimSpace(line)
			d.headings = append(d.headings, heading)
			d.anchors = append(d.anchors, anchor(heading))
		case strings.HasPrefix(line, "|"):
			d.rows++
		}
		for _, match := range link.FindAllStringSubmatch(line, -1) {
			d.links = append(d.links, match[1])
		}
	}
	if code {
		t.Errorf("%s: a block of code is not closed", path)
	}
	return d
}

// anchor is the name that GitHub gives a heading: lower case, letters and digits and hyphens, and a
// hyphen for each space.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(strings.TrimLeft(heading, "#")))
}

// documents are the module's Markdown files, by their path with slashes.
func documents(t *testing.T) (paths []string) {
	t.Helper()
	for _, pattern := range []string{"*.md", "*/*.md", "*/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			paths = append(paths, filepath.ToSlash(path))
		}
	}
	if !slices.Contains(paths, "README.md") || !slices.Contains(paths, "docs/http.md") {
		t.Fatalf("found only %v", paths)
	}
	return paths
}

// A relative link leads to a file that exists and, with an anchor, to a heading of it.
func TestDocumentLinks(t *testing.T) {
	for _, path := range documents(t) {
		for _, target := range readDocument(t, path).links {
			if strings.Contains(target, "://") {
				continue
			}
			file, fragment, found := strings.Cut(target, "#")
			to := path
			if file != "" {
				to = filepath.Join(filepath.Dir(path), filepath.FromSlash(file))
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s links to %s: no such file", path, target)
				continue
			}
			name, err := url.PathUnescape(fragment)
			if found && (err != nil || !slices.Contains(readDocument(t, to).anchors, name)) {
				t.Errorf("%s links to %s: no such heading", path, target)
			}
		}
	}
}

// Whoever reads Chinese finds the same: every page has its twin, with as many headings of each level,
// rows of tables and blocks of code, and the two link to one another.
func TestDocumentsInBothLanguages(t *testing.T) {
	const chinese = ".zh-CN.md"
	pages := 0
	for _, path := range documents(t) {
		if strings.HasSuffix(path, chinese) {
			if english := strings.TrimSuffix(path, chinese) + ".md"; !slices.Contains(documents(t), english) {
				t.Errorf("%s has no English page", path)
			}
			continue
		}
		if path == "CHANGELOG.md" || path == "CONTRIBUTING.md" { // for those who change the code
			continue
		}
		pages++
		twin := strings.TrimSuffix(path, ".md") + chinese
		one, other := readDocument(t, path), readDocument(t, twin)
		if a, b := levels(one), levels(other); a != b {
			t.Errorf("%s has the headings %s, its twin %s", path, a, b)
		}
		if one.rows != other.rows || one.fences != other.fences {
			t.Errorf("%s has %d rows of tables and %d fences, its twin %d and %d",
				path, one.rows, one.fences, other.rows, other.fences)
		}
		if !slices.Contains(one.links, filepath.Base(twin)) || !slices.Contains(other.links, filepath.Base(path)) {
			t.Errorf("%s and its twin do not link to one another", path)
		}
	}
	if pages < 11 {
		t.Errorf("only %d pages", pages)
	}
}

// levels are the headings' number signs alone.
func levels(d document) string {
	var signs []string
	for _, heading := range d.headings {
		signs = append(signs, heading[:strings.Index(heading, " ")])
	}
	return strings.Join(signs, " ")
}

// place is a file or folder of the module as the documents write it. Names that follow from others
// (…) and patterns are left out.
var place = regexp.MustCompile("(?:^|[\\s`(/])((?:handler|internal|scripts|signer|docs|serverless-event|\\.ci)(?:/[\\w.-]+)+|main\\.go|openapi\\.yaml)")

// What the documents name in this module is there.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	named := 0
	for _, page := range documents(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range place.FindAllStringSubmatch(string(text), -1) {
			name := strings.TrimRight(match[1], ".")
			named++
			if _, err := os.Stat(filepath.FromSlash(name)); err != nil {
				t.Errorf("%s names %s, which is not there", page, name)
			}
		}
	}
	if named < 100 {
		t.Errorf("only %d names were found", named)
	}
}
