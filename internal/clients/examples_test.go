package clients

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// The examples: the file, the block of the document that shows it, and the command that runs it.
var examples = []struct{ file, fence, run string }{
	{"fetch.mjs", "js", "node fetch.mjs"},
	{"fetch.php", "php", "php fetch.php"},
	{"Fetch.java", "java", "java Fetch.java"},
	{"fetch.py", "python", "python3 fetch.py"},
	{"fetch.go", "go", "go run fetch.go"},
}

const examplesDir = root + "/docs/examples/clients"

// The documents show the files as they are, and nothing else.
func TestDocumentsShowTheExamples(t *testing.T) {
	block := regexp.MustCompile("(?ms)^```(js|php|java|python|go)\n(.*?)^```$")
	for _, page := range []string{"clients.md", "clients.zh-CN.md"} {
		text, err := os.ReadFile(filepath.Join(root, "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		shown := map[string]string{}
		for _, match := range block.FindAllStringSubmatch(strings.ReplaceAll(string(text), "\r\n", "\n"), -1) {
			if shown[match[1]] != "" {
				t.Errorf("%s: two blocks of %s", page, match[1])
			}
			shown[match[1]] = match[2]
		}
		for _, example := range examples {
			file, err := os.ReadFile(filepath.Join(examplesDir, example.file))
			if err != nil {
				t.Fatal(err)
			}
			if shown[example.fence] != strings.ReplaceAll(string(file), "\r\n", "\n") {
				t.Errorf("%s does not show %s as it is", page, example.file)
			}
			if !strings.Contains(string(text), example.run) {
				t.Errorf("%s does not say how %s is run", page, example.file)
			}
		}
	}
}

// trouble is the function, whose first answers are taken away.
type trouble struct {
	function http.Handler
	answers  []func(http.ResponseWriter)

	mu    sync.Mutex
	times []time.Time // of the requests
}

func (tr *trouble) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tr.mu.Lock()
	n := len(tr.times)
	tr.times = append(tr.times, time.Now())
	tr.mu.Unlock()
	if n < len(tr.answers) {
		tr.answers[n](w)
		return
	}
	tr.function.ServeHTTP(w, r)
}

func busy(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "2")
	w.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprint(w, `{"code":"LimitExceeded","msg":"too many requests at once: try again","requestId":"x"}`)
}

func notYet(w http.ResponseWriter) {
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprint(w, `{"code":"66660020","msg":"no result"}`)
}

// Each example fetches a result, waits as long as it is told, and gives up where waiting does not help.
func TestExamples(t *testing.T) {
	function := startRelay(t)
	for _, example := range examples {
		words := strings.Fields(example.run)
		if _, err := exec.LookPath(words[0]); err != nil {
			t.Logf("%s is not tried: %s is not on this machine", example.file, words[0])
			continue
		}
		for _, c := range []struct {
			name, token, order string
			answers            []func(http.ResponseWriter)
			waits              time.Duration // at least
			requests           int
			want               string
			fails              bool
		}{
			{"a result", token, "order1", []func(http.ResponseWriter){busy, notYet}, 3 * time.Second, 3, "6222000051020743309", false},
			{"a card that is not readable", token, "blurred1", nil, 0, 1, "-9012", false},
			{"a wrong token", "wrong-token-0123456789", "order1", nil, 0, 1, "401", true},
			{"a wrong order number", token, "order-1", nil, 0, 1, "InvalidParameterValue.OrderNo", true},
			{"no result", token, "notfound1", nil, 4 * time.Second, 5, "66660020", true},
		} {
			t.Run(example.file+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				tr := &trouble{function: function, answers: c.answers}
				server := httptest.NewServer(tr)
				defer server.Close()
				env := []string{"RELAY=" + server.URL, "TOKEN=" + c.token, "LC_ALL=C.UTF-8"}
				out, err := output(t, examplesDir, env, words[0], append(words[1:], c.order)...)
				if (err != nil) != c.fails || !strings.Contains(out, c.want) {
					t.Errorf("%v\n%s", err, out)
				}
				if n := len(tr.times); n != c.requests {
					t.Fatalf("%d requests, expected %d", n, c.requests)
				}
				if waited := tr.times[len(tr.times)-1].Sub(tr.times[0]); waited < c.waits {
					t.Errorf("it waited %v, expected %v", waited, c.waits)
				}
			})
		}
	}
}
