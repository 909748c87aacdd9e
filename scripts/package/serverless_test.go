package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/testmain"
)

const (
	webFile   = "../../serverless.yml"
	eventFile = "../../serverless-event/serverless.yml"
)

// TestServerlessVariables holds the variables of both files to those of the function.
func TestServerlessVariables(t *testing.T) {
	want := config.Variables()
	line := regexp.MustCompile(`(?m)^      ([A-Z_]+): \$\{env:([A-Z_]+)\}$`)
	for _, path := range []string{webFile, eventFile} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range line.FindAllStringSubmatch(string(text), -1) {
			if got = append(got, m[1]); m[1] != m[2] {
				t.Errorf("%s: %s is set from %s", path, m[1], m[2])
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has the variables\n%q, the function knows\n%q", path, got, want)
		}
	}
}

// request is what the framework asks the cloud for.
type request struct {
	Action          string
	Type            string
	Runtime         string
	Handler         string
	MemorySize      int
	Timeout         int
	InitTimeout     int
	Role            string
	Environment     struct{ Variables []struct{ Key, Value string } }
	PublicNetConfig struct{ PublicNetStatus string }
	TriggerName     string
	TriggerDesc     string
	Enable          string
	Qualifier       string
	CustomArgument  string
}

// TestServerless has the framework's own code deploy both files, twice each, to a cloud
// that is played.
func TestServerless(t *testing.T) {
	const url = `{"AuthType":"NONE","NetConfig":{"EnableIntranet":false,"EnableExtranet":true}}`
	for _, c := range []struct {
		path, folder string
		first        []string // actions and types
		second       []string
		function     request
	}{
		{webFile, "web", []string{"CreateFunction HTTP", "CreateTrigger http"},
			[]string{"UpdateFunctionCode ", "UpdateFunctionConfiguration ", "UpdateTrigger http"},
			request{Type: "HTTP", MemorySize: 128, Timeout: 35}},
		{eventFile, "event", []string{"CreateFunction Event", "CreateTrigger timer"}, // no URL: answers would be logged
			[]string{"UpdateFunctionCode ", "UpdateFunctionConfiguration "},
			request{Type: "Event", MemorySize: 64, Timeout: 30, Handler: "main"}},
	} {
		t.Run(c.folder, func(t *testing.T) {
			text, err := os.ReadFile(c.path)
			if err != nil {
				t.Fatal(err)
			}
			got := deploy(t, text)
			src, _ := filepath.Rel("../..", filepath.Join(filepath.Dir(c.path), got.File.Inputs.Src))
			if got.File.Component != "scf" || src != filepath.Join("dist", c.folder) {
				t.Errorf("component %q, src %q", got.File.Component, src)
			}
			// These two are read by the framework's command line, not by its component.
			if want := []string{"inputs.region", "inputs.src"}; !slices.Equal(got.Unread, want) {
				t.Errorf("keys that are not read: %q, want %q", got.Unread, want)
			}
			if s := actions(got.Runs[0]); !slices.Equal(s, c.first) {
				t.Errorf("the first run: %q", s)
			}
			if s := actions(got.Runs[1]); !slices.Equal(s, c.second) {
				t.Errorf("the second run: %q", s)
			}
			f := got.Runs[0][0]
			if f.Type != c.function.Type || f.MemorySize != c.function.MemorySize || f.Handler != c.function.Handler ||
				f.Runtime != "Go1" || f.Timeout != c.function.Timeout || f.InitTimeout != 10 || f.Role != "test-role" ||
				f.PublicNetConfig.PublicNetStatus != "ENABLE" {
				t.Errorf("function %+v", f)
			}
			var env []string
			for _, v := range f.Environment.Variables {
				env = append(env, v.Key+"="+v.Value)
			}
			if want := []string{"KYC_APP_ID=IDAtest1", "KYC_SECRET=test-secret-1"}; !slices.Equal(env, want) {
				t.Errorf("variables %q, expected %q: what is not set is to be left out", env, want)
			}
			for _, r := range got.Runs[0][1:] {
				if r.Enable != "OPEN" || r.Qualifier != "$DEFAULT" {
					t.Errorf("trigger %+v", r)
				}
				want := url
				if r.Type == "timer" {
					want = "0 */5 * * * * *"
				}
				if r.TriggerDesc != want {
					t.Errorf("trigger %s: %s", r.Type, r.TriggerDesc)
				}
			}
		})
	}
	t.Run("a key that is misspelt is noticed", func(t *testing.T) {
		text, err := os.ReadFile(webFile)
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.Replace(text, []byte("memorySize:"), []byte("memorysize:"), 1)
		if got := deploy(t, text); !slices.Contains(got.Unread, "inputs.memorysize") {
			t.Errorf("keys that are not read: %q", got.Unread)
		}
	})
}

func actions(requests []request) (list []string) {
	for _, r := range requests {
		list = append(list, r.Action+" "+r.Type)
	}
	return list
}

type deployment struct {
	File struct {
		Component string
		Inputs    struct{ Src string }
	}
	Runs   [][]request
	Unread []string
}

// deploy runs testdata/toolkit.js on the text of a serverless.yml.
func deploy(t *testing.T, text []byte) (d deployment) {
	t.Helper()
	modules := toolkit(t)
	path := filepath.Join(t.TempDir(), "serverless.yml")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/toolkit.js", path)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "NODE_PATH=" + modules,
		"KYC_APP_ID=IDAtest1", "KYC_SECRET=test-secret-1", "FUNCTION_ROLE=test-role"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	if err := json.Unmarshal(out, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// modules is where the framework's code is.
var modules testmain.Folder

func TestMain(m *testing.M) { testmain.Run(m, &modules) }

// install brings the framework's code, once; it returns why it could not.
var install = sync.OnceValue(func() (problem string) {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "needs " + tool + ", which is not installed"
		}
	}
	out, err := exec.Command("npm", "install", "--prefix", modules.Path, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts",
		"--prefer-offline", "--loglevel=error", "tencent-component-toolkit@2.27.6", "js-yaml@4.1.0").CombinedOutput()
	if err != nil {
		return "npm could not install the framework's code (is the registry reachable?): " + string(out)
	}
	return ""
})

// toolkit returns the folder of the framework's code, or skips the test.
func toolkit(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("installs npm packages, which takes some seconds")
	}
	if problem := install(); problem != "" {
		t.Skip(problem)
	}
	return filepath.Join(modules.Path, "node_modules")
}
