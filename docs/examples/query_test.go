package examples

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// query is a query of the log service: what is searched, then SQL.
type query struct {
	messages []string // of the lines that it finds
	fields   []string // that it uses of them
	columns  []string // that it returns
}

var (
	searched = regexp.MustCompile(`(?:^|[\s(])([a-z_]+):`)
	message  = regexp.MustCompile(`(?:^|[\s(])msg:"([^"]*)"`)
	alias    = regexp.MustCompile(`\bas ([a-z_0-9]+)`)
	quoted   = regexp.MustCompile(`'[^']*'`)
	word     = regexp.MustCompile(`[A-Za-z_][A-Za-z_0-9]*(\s*\()?`)
	known    = strings.Fields("select as from where group by order desc asc limit and or not interval minute hour timestamp varchar __TIMESTAMP__")
	calls    = strings.Fields("count( count_if( sum( approx_percentile( histogram( cast(")
)

// parse takes a query apart. It knows the SQL of these files, and complains of other functions.
func parse(t *testing.T, text string) (q query) {
	t.Helper()
	search, sql, _ := strings.Cut(text, " | ")
	for _, m := range message.FindAllStringSubmatch(search, -1) {
		q.messages = append(q.messages, m[1])
	}
	for _, m := range searched.FindAllStringSubmatch(search, -1) {
		q.fields = append(q.fields, m[1])
	}
	for _, m := range alias.FindAllStringSubmatch(sql, -1) {
		q.columns = append(q.columns, m[1])
	}
	for _, w := range word.FindAllString(quoted.ReplaceAllString(sql, ""), -1) {
		w = strings.Join(strings.Fields(w), "")
		switch {
		case strings.HasSuffix(w, "("):
			if !slices.Contains(calls, w) {
				t.Errorf("%s: unknown function %s", text, w)
			}
		case !slices.Contains(known, w) && !slices.Contains(q.columns, w):
			q.fields = append(q.fields, w)
		}
	}
	if len(q.messages) == 0 {
		t.Errorf("%s: for any line", text)
	}
	return q
}
