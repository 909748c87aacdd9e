package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The page of the house has every package, and each step of the two ways names functions that its
// file has. A way has eight steps at most.
func TestArchitecture(t *testing.T) {
	step := regexp.MustCompile("(?m)^\\| ([0-9]+) \\| `([^`]+)` \\| ([^|]+) \\|")
	word := regexp.MustCompile("`([^`]+)`")
	for _, page := range []string{"docs/architecture.md", "docs/architecture.zh-CN.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packages(t) {
			if !strings.Contains(string(text), "`"+p+"`") {
				t.Errorf("%s does not name the package %s", page, p)
			}
		}
		steps := step.FindAllStringSubmatch(string(text), -1)
		if len(steps) < 12 {
			t.Errorf("%s has only %d steps", page, len(steps))
		}
		for _, s := range steps {
			if number := s[1]; len(number) > 1 || number > "8" {
				t.Errorf("%s: step %s", page, number)
			}
			has := functions(t, s[2])
			for _, name := range word.FindAllStringSubmatch(s[3], -1) {
				if !slices.Contains(has, name[1]) {
					t.Errorf("%s: %s has no function %s", page, s[2], name[1])
				}
			}
		}
	}
}

// packages are the folders with Go files, but for the commands' and other modules'.
func packages(t *testing.T) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		dir := filepath.ToSlash(filepath.Dir(file))
		if err == nil && strings.HasSuffix(file, ".go") && dir != "." && !strings.HasPrefix(dir, "scripts") && !strings.Contains(dir, "testdata") && !slices.Contains(paths, dir) {
			paths = append(paths, dir)
		}
		return err
	})
	if err != nil || len(paths) < 20 {
		t.Fatal(paths, err)
	}
	return paths
}

// functions are the functions and methods that a file declares.
func functions(t *testing.T, path string) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			names = append(names, f.Name.Name)
		}
	}
	return names
}
