package deploy

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kyc-ocr-relay/internal/apitest"
	"kyc-ocr-relay/internal/archive"
	"kyc-ocr-relay/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files")

// world is an account in the local cloud, and one who deploys to it.
type world struct {
	*testing.T
	cloud  *apitest.Server
	url    string
	client *Client
	out    bytes.Buffer // all that was printed
}

func newWorld(t *testing.T) *world {
	w := &world{T: t}
	w.cloud = apitest.New(apitest.Config{SecretID: "AKIDtest", SecretKey: "CANARY-cloud-key", Polls: 3, Roles: []string{"KycRelay"}, Start: start})
	server := httptest.NewServer(w.cloud)
	t.Cleanup(server.Close)
	w.url = server.URL
	client, err := NewClient(w.account())
	if err != nil {
		t.Fatal(err)
	}
	client.Interval, client.Out = time.Microsecond, &w.out
	w.client = client
	t.Cleanup(func() {
		if strings.Contains(w.out.String(), "CANARY") {
			t.Errorf("a secret was printed:\n%s", &w.out)
		}
	})
	return w
}

func (w *world) account() Account {
	return Account{SecretID: "AKIDtest", SecretKey: secret.New("CANARY-cloud-key"), Region: "ap-guangzhou", Endpoint: w.url}
}

// start runs a version: it is not well where its code is "bad".
func start(v apitest.Version) (http.Handler, error) {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if bytes.Equal(v.Zip, pack(archive.Event, "bad")) || r.URL.Path != "/healthz" {
			rw.WriteHeader(500)
			fmt.Fprint(rw, `{"code":"InternalError.Configuration","msg":"KYC_SECRET: required","requestId":"x"}`)
			return
		}
		fmt.Fprint(rw, `{"status":"ok","store":"memory","apps":[{"app_id":"IDA1","state":"absent","age":0}]}`)
	}), nil
}

func pack(kind archive.Kind, text string) []byte {
	a, err := archive.Pack(kind, []byte(text))
	if err != nil {
		panic(err)
	}
	return a.Zip
}

// wanted is a deployment with secrets in it. pairs change variables: "NAME=value", or "NAME" for none.
func wanted(kind archive.Kind, text string, pairs ...string) Config {
	c := Config{Name: "relay", Kind: kind, Zip: pack(kind, text), EventURL: true, Environment: Environment{
		Values: map[string]string{"KYC_APP_ID": "IDA1", "KYC_SECRET": "CANARY-app-secret", "CALLER_TOKENS": "shop:CANARY-caller-token", "TICKET_STORE": "redis://u:CANARY-password@h"},
		From:   map[string]string{},
	}}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if c.Environment.Values[name] = value; !ok {
			delete(c.Environment.Values, name)
		}
	}
	for name := range c.Environment.Values {
		c.Environment.From[name] = ".env"
	}
	return c
}

func (w *world) plan(c Config) *Plan {
	w.Helper()
	p, err := w.client.Plan(w.Context(), c)
	if err != nil {
		w.Fatal(err)
	}
	fmt.Fprint(&w.out, p)
	return p
}

func (w *world) apply(p *Plan) {
	w.Helper()
	url, err := w.client.Apply(w.Context(), p)
	if err != nil {
		w.Fatal(err)
	}
	if url != w.url+"/url/relay" {
		w.Fatalf("the URL is %q", url)
	}
	if err := w.client.Smoke(w.Context(), url); err != nil {
		w.Fatal(err)
	}
}

// deploy plans and applies, and returns the plan's text and the calls made.
func (w *world) deploy(c Config) (string, []string) {
	w.Helper()
	w.cloud.Calls()
	p := w.plan(c)
	if calls := w.cloud.Calls(); len(calls) > 0 {
		w.Fatalf("planning called %v", calls)
	}
	w.apply(p)
	return p.String(), w.cloud.Calls()
}

// traffic is where $DEFAULT points to: "1", or "1+2@0.1".
func (w *world) traffic() string {
	w.Helper()
	_, _, main, additional, weight, ok := w.cloud.Function("relay")
	if !ok {
		return "none"
	}
	if additional != "" {
		return fmt.Sprintf("%s+%s@%v", main, additional, weight)
	}
	return main
}

var (
	hash    = regexp.MustCompile(`\b[0-9a-f]{12}…`)
	request = regexp.MustCompile(`\(request [0-9-]{36}\)`)
)

func (w *world) golden(name, text string) {
	w.Helper()
	text = strings.ReplaceAll(text, w.url, "http://cloud")
	text = hash.ReplaceAllString(text, "SHA256…") // of Go's compressor
	text = request.ReplaceAllString(text, "(request ID)")
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			w.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		w.Fatal(err)
	}
	if text != strings.ReplaceAll(string(want), "\r\n", "\n") {
		w.Errorf("%s: got\n%s\nwant\n%s", name, text, want)
	}
}

func TestCreate(t *testing.T) {
	for kind, want := range map[archive.Kind][]string{
		archive.Event: {"CreateFunction", "UpdateFunctionConfiguration", "PublishVersion", "Invoke", "UpdateAlias", "CreateTrigger", "CreateTrigger"},
		archive.Web:   {"CreateFunction", "PublishVersion", "UpdateAlias", "CreateTrigger"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			c := wanted(kind, "one")
			c.Role = "KycRelay"
			text, calls := w.deploy(c)
			w.golden("create-"+string(kind), text)
			w.golden("progress-"+string(kind), w.progress())
			if !slices.Equal(calls, want) {
				t.Errorf("called %v, want %v", calls, want)
			}
			f, published, _, _, _, _ := w.cloud.Function("relay")
			if f.Memory != 128 || f.Timeout != 60 || f.Role != "KycRelay" || !maps.Equal(f.Environment, c.Environment.Values) || len(published) != 1 || w.traffic() != "1" {
				t.Errorf("made %d MB, %d s, %s, %d variables, %d versions, traffic %s", f.Memory, f.Timeout, f.Role, len(f.Environment), len(published), w.traffic())
			}
			if f.IgnoreSysLog != (kind == archive.Event) {
				t.Errorf("IgnoreSysLog is %v", f.IgnoreSysLog)
			}

			text, calls = w.deploy(c)
			w.golden("unchanged-"+string(kind), text)
			if len(calls) > 0 {
				t.Errorf("the second run called %v", calls)
			}
			c.Role = "" // leaves it
			if p := w.plan(c); !p.Empty() {
				t.Errorf("without -role:\n%s", p)
			}
		})
	}
}

// progress returns what Apply printed.
func (w *world) progress() string {
	_, text, _ := strings.Cut(w.out.String(), "[1/")
	return "[1/" + text
}

func TestChanges(t *testing.T) {
	w := newWorld(t)
	w.deploy(wanted(archive.Event, "one", "KYC_TIMEOUT=3s"))

	text, calls := w.deploy(wanted(archive.Event, "two", "KYC_TIMEOUT=3s"))
	w.golden("changed-code", text)
	if want := []string{"UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion", "Invoke", "UpdateAlias"}; !slices.Equal(calls, want) {
		t.Errorf("code: called %v, want %v", calls, want)
	}
	if w.traffic() != "2" {
		t.Errorf("traffic %s", w.traffic())
	}

	// A variable that somebody else set stays; one of ours that is no longer named goes.
	f, _, _, _, _, _ := w.cloud.Function("relay")
	f.Environment["TZ"] = "Asia/Shanghai"
	c := wanted(archive.Event, "two", "KYC_SECRET=CANARY-other-secret", "LOG_LEVEL=debug")
	c.Environment.From["LOG_LEVEL"] = "the environment"
	c.Environment.Ignored = []string{"HOME_PAGE"}
	c.Memory, c.Timeout, c.Role = 256, 90, "KycRelay"
	w2 := newWorld(t)
	w2.cloud.Put(f)
	w2.cloud.AddTrigger("relay", "site", "http", `{"AuthType":"CAM","NetConfig":{"EnableExtranet":true}}`, "$LATEST", true)
	w2.golden("changed-environment", w2.plan(c).String())
	text, calls = w.deploy(c)
	if want := []string{"UpdateFunctionConfiguration", "PublishVersion", "Invoke", "UpdateAlias"}; !slices.Equal(calls, want) {
		t.Errorf("environment: called %v, want %v\n%s", calls, want, text)
	}
	f, _, _, _, _, _ = w.cloud.Function("relay")
	if f.Environment["KYC_SECRET"] != "CANARY-other-secret" || f.Environment["LOG_LEVEL"] != "debug" || f.Environment["KYC_TIMEOUT"] != "" {
		t.Errorf("variables %v", slices.Sorted(maps.Keys(f.Environment)))
	}
	if text, calls := w.deploy(c); len(calls) > 0 {
		t.Errorf("again: called %v\n%s", calls, text)
	}
}

// What another tool deployed has its traffic on $LATEST: it is kept as a version before it changes.
func TestForeign(t *testing.T) {
	w := newWorld(t)
	w.cloud.Put(apitest.Version{Name: "relay", Type: "Event", Runtime: "Go1", Handler: "main", Memory: 128, Timeout: 3,
		Environment: map[string]string{"TZ": "Asia/Shanghai"}, Zip: pack(archive.Event, "theirs"), Description: "Created by Serverless Framework."})
	w.cloud.AddTrigger("relay", "tick", "timer", `{"cron":"0 0 * * * * *"}`, "$DEFAULT", true)
	w.cloud.AddTrigger("relay", "renew", "timer", `{"cron":"0 0 * * * * *"}`, "$DEFAULT", false)
	text, calls := w.deploy(wanted(archive.Event, "one"))
	w.golden("foreign", text)
	want := []string{"PublishVersion", "UpdateAlias", "UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion", "Invoke", "UpdateAlias", "CreateTrigger", "UpdateTrigger"}
	if !slices.Equal(calls, want) {
		t.Errorf("called %v, want %v", calls, want)
	}
	f, published, _, _, _, _ := w.cloud.Function("relay")
	if f.Environment["TZ"] == "" || !bytes.Equal(published["1"].Zip, pack(archive.Event, "theirs")) || w.traffic() != "2" {
		t.Errorf("variables %v, traffic %s", f.Environment, w.traffic())
	}
	if text, calls := w.deploy(wanted(archive.Event, "one")); len(calls) > 0 {
		t.Errorf("again: called %v\n%s", calls, text)
	}
	w.rollback("1", "")
}

func (w *world) rollback(want, golden string) {
	w.Helper()
	p, err := w.client.Rollback(w.Context(), "relay", archive.Event)
	if err != nil {
		w.Fatal(err)
	}
	if golden != "" {
		w.golden(golden, p.String())
	}
	w.apply(p)
	if w.traffic() != want {
		w.Errorf("rolled back to %s, want %s", w.traffic(), want)
	}
	w.cloud.Calls()
}

func TestCanaryAndRollback(t *testing.T) {
	w := newWorld(t)
	canary := func(text string, percent int) Config {
		c := wanted(archive.Event, text)
		c.Canary = percent
		return c
	}
	w.deploy(canary("one", 10)) // the first version gets everything
	if w.traffic() != "1" {
		t.Fatalf("traffic %s", w.traffic())
	}
	text, _ := w.deploy(canary("two", 10))
	w.golden("canary", text)
	if w.traffic() != "1+2@0.1" {
		t.Fatalf("traffic %s", w.traffic())
	}
	text, calls := w.deploy(canary("two", 10))
	w.golden("canary-again", text)
	if len(calls) > 0 {
		t.Errorf("again: called %v", calls)
	}
	w.deploy(canary("two", 50))
	if w.traffic() != "1+2@0.5" {
		t.Fatalf("traffic %s", w.traffic())
	}
	w.rollback("1", "rollback-canary")

	text, calls = w.deploy(wanted(archive.Event, "two")) // all of it now
	w.golden("promote", text)
	if !slices.Equal(calls, []string{"Invoke", "UpdateAlias"}) || w.traffic() != "2" {
		t.Errorf("called %v, traffic %s", calls, w.traffic())
	}
	text, calls = w.deploy(canary("two", 10))
	if len(calls) > 0 || !strings.Contains(text, "has all of the traffic already") {
		t.Errorf("called %v:\n%s", calls, text)
	}
	w.rollback("1", "rollback")
	if _, err := w.client.Rollback(t.Context(), "relay", archive.Event); err == nil || err.Error() != "there is no version before version 1" {
		t.Errorf("rolled back beyond the first: %v", err)
	}

	// Version 2 was bad; 3 comes after 1, and so back from 3 is 1.
	w.deploy(wanted(archive.Event, "three"))
	w.rollback("1", "")
	if _, err := w.client.Rollback(t.Context(), "nothing", archive.Event); err == nil {
		t.Error("rolled back what does not exist")
	}
}

// A new version that is not well gets no traffic.
func TestUnwellVersion(t *testing.T) {
	w := newWorld(t)
	w.deploy(wanted(archive.Event, "one"))
	_, err := w.client.Apply(t.Context(), w.plan(wanted(archive.Event, "bad")))
	w.golden("unwell", fmt.Sprintln(err))
	// The code is there now. It is tried all the same.
	if _, err := w.client.Apply(t.Context(), w.plan(wanted(archive.Event, "bad"))); err == nil || w.traffic() != "1" {
		t.Errorf("traffic %s, %v", w.traffic(), err)
	}
	w.deploy(wanted(archive.Event, "good"))
	if w.traffic() != "3" {
		t.Errorf("traffic %s", w.traffic())
	}
}
