package deployment

import (
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"kyc-ocr-relay/internal/apitest"
	"kyc-ocr-relay/internal/archive"
	"kyc-ocr-relay/internal/secret"
)

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
	client.Interval, client.Out, client.Watched = time.Microsecond, &w.out, true
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

// progress returns what Apply printed.
func (w *world) progress() string {
	_, text, _ := strings.Cut(w.out.String(), "[1/")
	return "[1/" + text
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
