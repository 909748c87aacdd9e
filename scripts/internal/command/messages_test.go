package command_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/apitest"
)

// -h says on stdout, with exit code 0, what the command does in one sentence, its flags, then an example.
func TestHelp(t *testing.T) {
	for _, name := range commands {
		for _, flag := range []string{"-h", "--help"} {
			stdout, stderr, code := call{line: name + " " + flag, dir: t.TempDir()}.run(t)
			form := regexp.MustCompile(`^[A-Z][^\n]*[^.\n]\.\n\nUsage:\n  go run \./scripts/` + name + `[^\n]* \[flags\]\n\nFlags:\n  -[\s\S]*\n\nExample:\n  .*go run \./scripts/` + name)
			if code != 0 || stderr != "" || !form.MatchString(stdout) {
				t.Errorf("%s %s: %d\n%s%s", name, flag, code, stdout, stderr)
			}
		}
	}
}

// What a newcomer does wrong in the first hour is told, with what mends it.
func TestMessages(t *testing.T) {
	empty := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	account := apitest.New(apitest.Config{SecretID: "AKIDtest", SecretKey: "key"})
	account.Fail("GetFunction", "UnsupportedRegion", 1)
	api := httptest.NewServer(account)
	defer api.Close()
	misspelt := file("misspelt.env", "KYC_APPID=IDA1\nKYC_SECRET=CANARY-secret\n")
	broken := file("broken.env", "KYC_SECRET CANARY-secret\n")
	refused := closedPort(t)
	_, busy, _ := strings.Cut(api.Listener.Addr().String(), ":")
	cloud := []string{"TENCENTCLOUD_SECRET_ID=AKIDtest", "TENCENTCLOUD_SECRET_KEY=key", "TENCENTCLOUD_REGION=ap-nowhere"}
	app := []string{"KYC_APP_ID=IDA1", "KYC_SECRET=CANARY-secret"}
	for _, c := range []struct {
		call
		code int
		want []string // on stderr; on stdout what begins with ">"
	}{
		{call{line: "query"}, 2, []string{"query: TYPE and ORDER missing\n  what to do: go run ./scripts/query -h shows the flags and an example\n"}},
		{call{line: "query bankcard"}, 2, []string{"ORDER missing"}},
		{call{line: "query bankcrd order1"}, 2, []string{`TYPE must be bankcard, idcard or face, not "bankcrd": did you mean bankcard?`}},
		{call{line: "query bankcard order1 order2"}, 2, []string{`"order2" is one word too many`}},
		{call{line: "query bankcard order1 -photo ./out"}, 2, []string{"unknown flag -photo: did you mean -photos?"}},
		{call{line: "query bankcard order1 -photos"}, 2, []string{"-photos needs a value"}},
		{call{line: "query bankcard order1 KYC_SECRET=CANARY-secret"}, 2, []string{"KYC_SECRET=… go run ./scripts/query"}},
		{call{line: "query bankcard order1"}, 1, []string{"query: the environment:\nKYC_APP_ID: required\nKYC_SECRET: required\n  what to do: set -a; . ./.env; set +a ", "KYC_APP_ID=IDAXXXXX KYC_SECRET=… go run ./scripts/query bankcard order1"}},
		{call{line: "query bankcard order1", env: append(app, "KYC_TIMEOUT=5")}, 1, []string{"KYC_TIMEOUT: must be a duration greater than zero, such as 5s"}},
		{call{line: "query bankcard order1", env: append(app, "KYC_BASE_URL=http://"+refused)}, 1, []string{"connection refused\n  what to do: check the network and KYC_BASE_URL"}},
		{call{line: "query bankcard order1", env: append(app, "KYC_BASE_URL=https://kyc.invalid")}, 1, []string{"the host name cannot be resolved\n  what to do: check the network and KYC_BASE_URL"}},

		{call{line: "deploy"}, 1, []string{"TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY are required", "region: -region or", "KYC_APP_ID: required", "what to do: make a file .env here, as step 3 of docs/deploy.md#deploy"}},
		{call{line: "deploy -kind wbe"}, 2, []string{`-kind must be event, web or both, not "wbe": did you mean web?`}},
		{call{line: "deploy check"}, 2, []string{`"check" is not a flag: did you mean -check?`}},
		{call{line: "deploy -yes now"}, 2, []string{`"now" is not a flag`}},
		{call{line: "deploy -canray 10"}, 2, []string{"unknown flag -canray: did you mean -canary?"}},
		{call{line: "deploy -canary ten"}, 2, []string{`invalid value "ten" for flag -canary`, "deploy -h"}},
		{call{line: "deploy -check -yes"}, 2, []string{"-check deploys nothing"}},
		{call{line: "deploy -mint"}, 2, []string{"-mint is for -check alone"}},
		{call{line: "deploy -rollback -canary 5"}, 2, []string{"exclude each other"}},
		{call{line: "deploy KYC_SECRET=CANARY-secret"}, 2, []string{"KYC_SECRET=… is not a flag: a variable stands before the command"}},
		{call{line: "deploy -env none.env"}, 1, []string{"-env: open none.env", "what to do: name the file"}},
		{call{line: "deploy -env " + misspelt, env: cloud}, 1, []string{"KYC_APPID is not a variable of the function: misspelt?", "what to do: correct " + misspelt}},
		{call{line: "deploy -env " + broken, env: cloud}, 1, []string{"line 1: not of the form NAME=value"}},
		{call{line: "deploy -region guangzhou", env: cloud}, 1, []string{"region: must be of the form ap-guangzhou"}},
		{call{line: "deploy -canary 150 -memory 100 -timeout -1 -name -", env: cloud}, 1, []string{"-canary: must be 1 to 99", "-memory: must be 64, or 128", "-timeout: must be 1 to 900", "-name: must be 2 to 60"}},
		{call{line: "deploy", dir: empty}, 1, []string{"this is not the project's folder", "what to do: cd to the folder of the clone"}},
		{call{line: "deploy", dir: filepath.Join(project(t), "docs")}, 1, []string{"the folder docs of the project", "what to do: cd " + project(t) + "\n"}},
		{call{line: "deploy -rollback -endpoint http://" + refused, env: cloud}, 1, []string{"connection refused", "what to do: the API could not be reached or understood: check the network and the proxy"}},
		{call{line: "deploy -rollback -endpoint https://api.invalid", env: cloud}, 1, []string{"lookup api.invalid", "what to do: the API could not be reached"}},
		{call{line: "deploy -rollback -endpoint nonsense", env: cloud}, 1, []string{"-endpoint: must be https://host"}},
		{call{line: "deploy -rollback -endpoint " + api.URL, env: cloud}, 1, []string{"UnsupportedRegion", "what to do: there is no such region"}},
		{call{line: "deploy -check"}, 1, []string{">FAIL  credentials  TENCENTCLOUD_SECRET_ID and", ">FAIL  settings     KYC_APP_ID: required", "deploy: see above: mend what says FAIL"}},

		{call{line: "package dist"}, 2, []string{`"dist" is not a flag`, "go run ./scripts/package -h"}},
		{call{line: "package -o dist"}, 2, []string{"unknown flag -o: did you mean -out?"}},
		{call{line: "package -out go.mod"}, 1, []string{"-out: go.mod is a file: name a folder"}},
		{call{line: "package", dir: empty}, 1, []string{"this is not the project's folder"}},
		{call{line: "package", env: []string{"PATH="}}, 1, []string{`exec: "go"`, "what to do: install Go"}},
		{call{line: "package", env: []string{"GOMODCACHE=" + filepath.Join(empty, "mod"), "GOFLAGS=-mod=mod", "GOPROXY=http://" + refused, "GONOSUMDB=*", "GOTOOLCHAIN=local"}}, 1, []string{"connection refused", "what to do: the modules cannot be fetched: check the network and the module proxy"}},
		{call{line: "demo serve"}, 2, []string{`"serve" is not a flag: did you mean -serve?`}},
		{call{line: "demo -server"}, 2, []string{"unknown flag -server: did you mean -serve?"}},
		{call{line: "demo -listen 127.0.0.1:8080"}, 2, []string{"-listen is for -serve alone"}},
		{call{line: "demo -serve -listen " + api.Listener.Addr().String()}, 1, []string{"bind: ", "what to do: leave -listen out"}},
		{call{line: "demo -serve -listen 8080"}, 2, []string{"-listen wants an address and a port, such as 127.0.0.1:8080"}},
		{call{line: "demo -serve -listen 0.0.0.0:8080"}, 2, []string{"the page is for this machine alone"}},
		{call{line: "demo -log=perhaps"}, 2, []string{`invalid boolean value "perhaps" for -log`}},
		{call{line: "demo", dir: empty}, 1, []string{"this is not the project's folder"}},
		{call{line: "demo", env: []string{"PATH="}}, 1, []string{`exec: "go"`, "what to do: install Go"}},
		{call{line: "bench -only wbe"}, 2, []string{`not "wbe": did you mean web?`}},
		{call{line: "bench -rounds 0"}, 2, []string{"-rounds must be 1 or more"}},
		{call{line: "bench -pictures none"}, 1, []string{"-pictures: there is no folder none", "what to do: mkdir -p none"}},
		{call{line: "bench web"}, 2, []string{`"web" is not a flag`}},
		{call{line: "bench", dir: empty}, 1, []string{"this is not the project's folder"}},
		{call{line: "postman x"}, 2, []string{`"x" is not a flag`}},
		{call{line: "postman", dir: empty}, 1, []string{"this is not the project's folder"}},
		{call{line: "kyc-ocr-relay", env: []string{"PORT=" + busy}}, 1, []string{`>"error":"listen tcp 0.0.0.0:` + busy, ">: set PORT to a free port, such as PORT=9001"}},
		{call{line: "kyc-ocr-relay", env: []string{"PORT=web-port"}}, 1, []string{">unknown port", ">: set PORT to a free port, such as PORT=9001"}},
	} {
		if strings.HasPrefix(c.line, "kyc") && runtime.GOOS != "linux" {
			continue // elsewhere two may listen where one is on loopback alone
		}
		stdout, stderr, code := c.run(t)
		if code != c.code {
			t.Errorf("%s: exit code %d, expected %d", c.line, code, c.code)
		}
		for _, want := range c.want {
			from := stderr
			if text, out := strings.CutPrefix(want, ">"); out {
				from, want = stdout, text
			}
			if !strings.Contains(from, want) {
				t.Errorf("%s does not say %q:\n%s%s", c.line, want, stdout, stderr)
			}
		}
		if strings.Contains(stdout+stderr, "CANARY") {
			t.Errorf("%s shows a secret:\n%s%s", c.line, stdout, stderr)
		}
		if code == 2 && stdout != "" {
			t.Errorf("%s: misuse is told on stdout:\n%s", c.line, stdout)
		}
	}
}
