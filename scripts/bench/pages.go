package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// rows writes the rows of a table anew, where pictures are wanted, in each page beside their folder that has
// the line "<!-- bench: name -->". The table follows it: its two first lines stay, as they are in the page's language.
func (b *bench) rows(name string, rows [][]string) error {
	if b.pictures == "" {
		return nil
	}
	pages, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Clean(b.pictures)), "*.md"))
	if err != nil {
		return err
	}
	for _, page := range pages {
		old, err := os.ReadFile(page) // #nosec G304 -- found above
		if err != nil {
			return err
		}
		text, err := replaceRows(string(old), name, rows)
		if err != nil {
			return fmt.Errorf("%s: %w", page, err)
		}
		if text == string(old) {
			continue
		}
		fmt.Printf("  written: %s\n", page)
		if err := os.WriteFile(page, []byte(text), 0o600); err != nil { // the page keeps its own mode
			return err
		}
	}
	return nil
}

// replaceRows returns text with other rows in the table of that name, if it has one.
func replaceRows(text, name string, rows [][]string) (string, error) {
	_, after, found := strings.Cut(text, "<!-- bench: "+name+" -->\n")
	if !found {
		return text, nil
	}
	lines := strings.SplitAfter(after, "\n")
	if len(lines) < 2 || !strings.HasPrefix(lines[0], "|") || !strings.HasPrefix(lines[1], "|-") {
		return "", fmt.Errorf("no table stands after the mark of %s", name)
	}
	columns := strings.Count(lines[1], "|") - 1
	head, rest := slices.Clone(lines[:2]), lines[2:]
	for len(rest) > 0 && strings.HasPrefix(rest[0], "|") {
		rest = rest[1:]
	}
	for _, row := range rows {
		if len(row) != columns {
			return "", fmt.Errorf("the table %s has %d columns, its figures have %d", name, columns, len(row))
		}
		head = append(head, "| "+strings.Join(row, " | ")+" |\n")
	}
	if strings.Contains(after, "<!-- bench: "+name+" -->") {
		return "", fmt.Errorf("there are two tables %s", name)
	}
	return strings.TrimSuffix(text, after) + strings.Join(head, "") + strings.Join(rest, ""), nil
}

// digits writes a figure for a table: whole from 10 on, else with two decimals.
func digits(v float64) string {
	if v >= 10 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
