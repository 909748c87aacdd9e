package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// snippetRuns says how the code that the page writes in a language is run: the file's name, and the
// command. What is not on this machine is left out.
var snippetRuns = map[string][]string{
	"curl":   {"ask.sh", "sh"},
	"Node":   {"ask.mjs", "node"},
	"Python": {"ask.py", "python3"},
	"PHP":    {"ask.php", "php"},
	"Java":   {"Ask.java", "java"},
	"Go":     {"ask.go", "go", "run"},
}

// testSnippets runs the request that was made last, as the page writes it: with a body and without.
func testSnippets(b *browser) {
	for route, want := range map[string]string{"/api/v2/base/queryfacerecord": "liveRate", "/ocr/bankcard/{}": "bankCardNo"} {
		b.choose("#ask-route", route)
		b.choose("#ask-order", "order1")
		b.run(`document.querySelector('#ask .result').replaceChildren()`)
		b.click("#ask-send")
		b.until(`document.querySelector('#ask .copies')`)
		b.click("#ask .copies summary")
		languages := read[[]string](b, `[...document.querySelectorAll('#ask .copies option')].map((o) => o.value)`)
		if len(languages) != len(snippetRuns) {
			b.t.Errorf("languages: %q", languages)
		}
		for _, language := range languages {
			b.choose("#ask .copies select", language)
			code := read[string](b, `document.querySelector('#ask .copies pre').textContent`)
			b.t.Run(language+route, func(t *testing.T) { runSnippet(t, snippetRuns[language], code, want) })
		}
	}
	b.click("#ask .copies button")
	b.until(`document.querySelector('#ask .copies button').textContent === 'Copied'`)
}

func runSnippet(t *testing.T, run []string, code, want string) {
	for _, program := range []string{run[1], map[string]string{"sh": "curl"}[run[1]]} {
		if _, err := exec.LookPath(program); program != "" && err != nil {
			t.Skip(program + " is not here")
		}
	}
	file := filepath.Join(t.TempDir(), run[0])
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), run[1], append(run[2:], file)...)
	out, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(out), want) || !strings.Contains(string(out), "200") {
		t.Errorf("%v\n%s\n%s", err, out, code)
	}
}
