package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"kyc-ocr-relay/internal/apitest"
	"kyc-ocr-relay/internal/archive"
	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/scripts/internal/command"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// platform runs what was uploaded to the local cloud in the local SCF runtime.
type platform struct {
	t  *testing.T
	mu sync.Mutex
	// running is by kind, code and variables: versions that are the same share an instance.
	running map[string]http.Handler
}

func (p *platform) start(v apitest.Version) (http.Handler, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := fmt.Sprintf("%s %x %v", v.Type, sha256.Sum256(v.Zip), v.Environment)
	if h := p.running[key]; h != nil {
		return h, nil
	}
	dir, err := os.MkdirTemp(p.t.TempDir(), "")
	if err != nil {
		return nil, err
	}
	r, err := zip.NewReader(bytes.NewReader(v.Zip), int64(len(v.Zip)))
	if err != nil {
		return nil, err
	}
	for _, f := range r.File {
		from, err := f.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(from)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name), data, f.Mode()); err != nil {
			return nil, err
		}
	}
	c := gateway.Config{Binary: filepath.Join(dir, "main"), Env: v.Environment}
	var h interface {
		http.Handler
		io.Closer
	}
	if v.Type == "HTTP" {
		h, err = gateway.StartWeb(p.t.Context(), c)
	} else {
		h, err = gateway.StartEvent(p.t.Context(), c)
	}
	if err != nil {
		return nil, err
	}
	p.t.Cleanup(func() { h.Close() })
	p.running[key] = h
	return h, nil
}

// From a clone and a .env file to URLs that answer a query, with the commands that a user types.
func TestFromNothingToAnAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the function")
	}
	if !runsLinuxAMD64 {
		t.Skip("what is deployed runs on linux/amd64 alone")
	}
	zips := map[archive.Kind][]byte{} // packing takes longer than all the rest
	build := packer(command.Screen{Writer: io.Discard})
	t.Chdir(filepath.Join("..", ".."))
	packed := func(ctx context.Context, kind archive.Kind) (_ []byte, err error) {
		if zips[kind] == nil {
			zips[kind], err = build(ctx, kind)
		}
		return zips[kind], err
	}
	upstream := httptest.NewServer(simulator.New(simulator.Config{Apps: map[string]string{"IDA1": "CANARY-secret"}}))
	defer upstream.Close()
	p := &platform{t: t, running: map[string]http.Handler{}}
	account := apitest.New(apitest.Config{SecretID: "AKIDtest", SecretKey: "CANARY-key", Polls: 2, Start: p.start})
	api := httptest.NewServer(account)
	defer api.Close()

	file := filepath.Join(t.TempDir(), ".env")
	write := func(secret string) {
		text := "KYC_APP_ID=IDA1\nKYC_SECRET=" + secret + "\nKYC_BASE_URL=" + upstream.URL + "\nCALLER_TOKENS=shop:CANARY-caller-token\n" +
			"TENCENTCLOUD_SECRET_ID=AKIDtest\nTENCENTCLOUD_SECRET_KEY=CANARY-key\nTENCENTCLOUD_REGION=ap-guangzhou\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var all strings.Builder
	deploy := func(flags string) (string, error) {
		var out bytes.Buffer
		arguments := append([]string{"-env", file, "-endpoint", api.URL}, strings.Fields(flags)...)
		err := run(t.Context(), arguments, unset, packed, command.Screen{Writer: &out})
		fmt.Fprintf(&all, "$ deploy %s\n%s%v\n", flags, &out, err)
		return out.String(), err
	}
	must := func(flags string, want ...string) {
		t.Helper()
		out, err := deploy(flags)
		if err != nil {
			t.Fatalf("%s: %v\n%s", flags, err, out)
		}
		for _, text := range want {
			if !strings.Contains(out, text) {
				t.Errorf("%s: no %q in\n%s", flags, text, out)
			}
		}
	}
	write("CANARY-secret")
	must("-check -kind both", "Nothing is wrong.")
	must("-kind both", "Nothing has been done yet: the same command with -yes does it.")
	if calls := account.Calls(); len(calls) > 0 {
		t.Fatalf("without -yes: called %v", calls)
	}
	must("-kind both", "no Function URL: the platform logs what an event function answers", "+ the Function URL, open to the internet")
	must("-kind both -event-url -yes", "It answers at "+api.URL+"/url/kyc-ocr-relay\n", "It answers at "+api.URL+"/url/kyc-ocr-relay-web\n")
	for _, name := range []string{"kyc-ocr-relay", "kyc-ocr-relay-web"} {
		r, err := http.NewRequest("GET", api.URL+"/url/"+name+"/ocr/bankcard/order1", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer CANARY-caller-token")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != 200 || !strings.Contains(string(body), `"bankCardNo"`) {
			t.Errorf("%s answers %d %s", name, response.StatusCode, body)
		}
	}
	account.Calls()
	must("-kind both -event-url -yes", "Nothing is to be done.")
	must("-kind both -yes", "! the event function has a Function URL", "Nothing is to be done.")
	if calls := account.Calls(); len(calls) > 0 {
		t.Errorf("the second time: called %v", calls)
	}
	write("CANARY-other-secret")
	must("-canary 10 -yes", "      ~ KYC_SECRET, from ", "version 1, and 10 % to version 2")
	must("-rollback", "~ traffic: version 1 instead of version 1, and 10 % to version 2", "Nothing has been done yet")
	must("-rollback -yes", "It answers at ")
	write("CANARY-secret\nKYC_TIMEOUT=0s")
	if out, err := deploy("-yes"); err == nil || !strings.HasPrefix(err.Error(), "KYC_TIMEOUT: must be a duration greater than zero, such as 5s or 20m\n  what to do: correct "+file) {
		t.Errorf("a bad setting: %v\n%s", err, out)
	}
	if out, err := deploy("-check"); err != errToFix || !strings.Contains(out, "FAIL  settings     KYC_TIMEOUT: ") {
		t.Errorf("-check: %v\n%s", err, out)
	}
	if strings.Contains(all.String(), "CANARY") {
		t.Errorf("a secret was printed:\n%s", &all)
	}
}

func unset(string) (string, bool) { return "", false }

func TestFlags(t *testing.T) {
	for flags, want := range map[string]string{
		"-kind image":            "-kind must be event, web or both",
		"-rollback -canary 10":   "-rollback and -canary exclude each other",
		"-yes now":               `"now" is not a flag`,
		"-env /does/not/exist":   "-env: ",
		"-check -region ap-none": "see above",
	} {
		err := run(t.Context(), strings.Fields(flags), unset, packer(command.Screen{Writer: io.Discard}), command.Screen{Writer: io.Discard})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", flags, err)
		}
	}
}

const runsLinuxAMD64 = runtime.GOOS == "linux" && runtime.GOARCH == "amd64"
