package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const page = "Text.\n\n<!-- bench: x -->\n| 名 | b |\n|---|---|\n| old | 1 |\n| older | 2 |\n\nMore | text.\n"

func TestRowsAreReplacedBelowTheirHead(t *testing.T) {
	t.Parallel()
	got, err := replaceRows(page, "x", [][]string{{"new", "3"}})
	want := "Text.\n\n<!-- bench: x -->\n| 名 | b |\n|---|---|\n| new | 3 |\n\nMore | text.\n"
	if err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
	if again, err := replaceRows(got, "x", [][]string{{"new", "3"}}); err != nil || again != got {
		t.Errorf("again: %v\n%s", err, again)
	}
	more := [][]string{{"1", "2"}, {"3", "4"}, {"5", "6"}, {"7", "8"}}
	if got, err := replaceRows(page, "x", more); err != nil || strings.Count(got, "\n| ") != 5 || !strings.HasSuffix(got, "| 7 | 8 |\n\nMore | text.\n") {
		t.Errorf("more rows than before: %v\n%s", err, got)
	}
	if other, err := replaceRows(page, "y", nil); err != nil || other != page {
		t.Errorf("a table of another name: %v\n%s", err, other)
	}
}

func TestTablesThatDoNotFit(t *testing.T) {
	t.Parallel()
	for want, text := range map[string]string{
		"2 columns":      page,
		"no table":       "<!-- bench: x -->\nText.\n",
		"two tables x":   strings.ReplaceAll(page+page, "|---|---|", "|---|---|---|"),
		"no table stand": "<!-- bench: x -->\n",
	} {
		if got, err := replaceRows(text, "x", [][]string{{"1", "2", "3"}}); err == nil || got != "" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\n%s", want, err, got)
		}
	}
}

// The tables stand beside the folder of the pictures; without that nothing is written.
func TestPagesBesideThePictures(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "cost.md")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, pictures := range []string{"", filepath.Join(folder, "pictures") + "/"} {
		want := i == 1
		if err := (&bench{pictures: pictures}).rows("x", [][]string{{"new", "3"}}); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(file); err != nil || strings.Contains(string(text), "| new | 3 |") != want {
			t.Errorf("%q: %v\n%s", pictures, err, text)
		}
	}
}

// 64 MB and 0.2 s are 1.39 CNY for the time and 1.33 for the invocations.
func TestPrice(t *testing.T) {
	t.Parallel()
	if got := digits(perMillion(64, 200)); got != "2.72" {
		t.Errorf("%s", got)
	}
}
