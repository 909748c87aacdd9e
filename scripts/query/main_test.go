package main

import (
	"encoding/json"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/testmain"
)

const (
	appID     = "IDAtest1"
	appSecret = "canary-secret-5d1f"
)

// folder has the built command.
var folder testmain.Folder

func TestMain(m *testing.M) { testmain.Run(m, &folder) }

func TestAnswer(t *testing.T) {
	u := newUpstream(t, httptest.NewServer)
	for _, args := range [][]string{
		{"bankcard", "order1"},
		{"idcard", "order1", "-native"},
		{"face", "order1"},
		{"face", "order1", "-product", "will"},
		{"-app", "IDAtest2", "bankcard", "order1"},
		{"bankcard", "-app=IDAtest2", "order1"},
	} {
		o := u.query(t, []string{"KYC_APPS=IDAtest2:" + appSecret + "2", "DELIVER_TO=nonsense", "ROUTE_PREFIX=//"}, args...)
		var answer struct {
			Code   string
			Result struct{ OrderNo string }
		}
		if err := json.Unmarshal([]byte(o.stdout), &answer); err != nil || answer.Code != "0" || answer.Result.OrderNo != "order1" || o.code != 0 {
			t.Errorf("%q: %d %v\n%s%s", args, o.code, err, o.stdout, o.stderr)
		}
		if !strings.Contains(o.stderr, "a new token and ticket were issued") {
			t.Errorf("%q: no word about the new ticket: %s", args, o.stderr)
		}
		queries, _, _ := u.seen()
		sent := queries[len(queries)-1]
		if want := args[len(args)-1] == "-native"; sent.Has("get_native") != want || sent.Has("get_file") || sent.Has("getFile") {
			t.Errorf("%q sent %q", args, sent)
		}
	}
	if n := u.simulator.Requests("/api/server/getWillFaceResult"); n != 1 {
		t.Errorf("%d queries for a declared intention", n)
	}
	if one, two := u.simulator.Counts(appID).Queries, u.simulator.Counts("IDAtest2").Queries; one != 4 || two != 2 {
		t.Errorf("%d and %d queries of the apps", one, two)
	}
}

// With the function's store nothing is voided: the second run uses the ticket of the first.
func TestSharedStore(t *testing.T) {
	u := newUpstream(t, httptest.NewServer)
	at := "TICKET_STORE=file://" + filepath.ToSlash(t.TempDir())
	for i, args := range [][]string{{"bankcard", "order1"}, {"bankcard", "order2", "-explain"}} {
		o := u.query(t, []string{at}, args...)
		if o.code != 0 || strings.Contains(o.stderr, "a new token") != (i == 0) {
			t.Errorf("run %d: %d %s", i, o.code, o.stderr)
		}
		if i == 1 && !explained.MatchString(o.stderr) {
			t.Errorf("the ticket of the store is not explained: %s", o.stderr)
		}
	}
	if n := u.simulator.Counts(appID).Tokens; n != 1 {
		t.Errorf("%d tokens were issued", n)
	}
	if o := u.query(t, []string{"TICKET_STORE=canary://x"}, "bankcard", "order1"); o.code != 1 || !strings.Contains(o.stderr, "TICKET_STORE: must be") {
		t.Errorf("an unknown store: %d %s", o.code, o.stderr)
	}
}

func TestHelp(t *testing.T) {
	u := newUpstream(t, httptest.NewServer)
	o := u.run(t, nil, "-h")
	if o.code != 0 || o.stderr != "" || !strings.Contains(o.stdout, "WARNING: unless TICKET_STORE is the store that the function shares") {
		t.Errorf("%d %s%s", o.code, o.stdout, o.stderr)
	}
}

func TestFailures(t *testing.T) {
	u := newUpstream(t, httptest.NewServer)
	gone := httptest.NewServer(nil)
	gone.Close()
	untrusted := newUpstream(t, httptest.NewTLSServer)
	for _, c := range []struct {
		name   string
		env    []string
		args   []string
		stderr []string
		stdout string
	}{
		{"no order", nil, []string{"bankcard"}, []string{"ORDER missing"}, ""},
		{"unknown type", nil, []string{"passport", "order1"}, []string{`TYPE must be bankcard, idcard or face, not "passport"`}, ""},
		{"no order number", nil, []string{"bankcard", "order-1"}, []string{"1 to 32 letters and digits"}, ""},
		{"unknown flag", nil, []string{"bankcard", "order1", "-foo"}, []string{"-foo"}, ""},
		{"native card", nil, []string{"bankcard", "order1", "-native"}, []string{"-native is for idcard alone"}, ""},
		{"product of a card", nil, []string{"bankcard", "order1", "-product", "will"}, []string{"-product is for face alone"}, ""},
		{"unknown product", nil, []string{"face", "order1", "-product", "basic"}, []string{"-product is for face alone, and can be will"}, ""},
		{"unknown app", nil, []string{"bankcard", "order1", "-app", "other"}, []string{"-app: must be one of", "[" + appID + "]"}, ""},
		{"no secret", []string{"KYC_SECRET="}, []string{"bankcard", "order1"}, []string{"KYC_SECRET: required"}, ""},
		{"no secret, of a source", []string{"KYC_SECRET=", "SECRET_SOURCE=ssm://ap-x/kyc"}, []string{"bankcard", "order1"},
			[]string{"KYC_SECRET: required", "SECRET_SOURCE is read by the function alone"}, ""},
		{"no result", nil, []string{"bankcard", "notfound1"}, []string{"code 66660020: no result for this order"}, `"66660020"`},
		{"rejected", nil, []string{"bankcard", "rejected1"}, []string{"code 400101", "-explain"}, `"400101"`},
		{"refused", nil, []string{"bankcard", "forbidden1"}, []string{"code 400104", "KYC_APP_ID"}, `"400104"`},
		{"throttled", nil, []string{"bankcard", "throttled1"}, []string{"code 400501: too many requests"}, `"400501"`},
		{"too long", nil, []string{"bankcard", "toolong1"}, []string{"code 66660000: a parameter was refused"}, `"66660000"`},
		{"down", nil, []string{"bankcard", "down1"}, []string{"code 999999: the upstream failed 3 times"}, `"999999"`},
		{"no JSON", nil, []string{"bankcard", "html1"}, []string{"an answer that is not JSON"}, ""},
		{"wrong secret", []string{"KYC_SECRET=wrong"}, []string{"bankcard", "order1"}, []string{"access token: the upstream answered code", "check KYC_APP_ID and KYC_SECRET"}, ""},
		{"photos into a file", nil, []string{"bankcard", "order1", "-photos", "main.go"}, []string{"-photos: main.go is a file"}, ""},
		{"nobody there", []string{"KYC_BASE_URL=" + gone.URL}, []string{"bankcard", "order1"}, []string{"connection refused\n  what to do: check the network and KYC_BASE_URL"}, ""},
		{"nobody there, explained", []string{"KYC_BASE_URL=" + gone.URL}, []string{"bankcard", "order1", "-explain"}, []string{"connection refused", "nothing was signed"}, ""},
		{"certificate", []string{"KYC_BASE_URL=" + untrusted.URL}, []string{"bankcard", "order1"}, []string{"the certificate cannot be verified"}, ""},
		{"certificate, explained", []string{"KYC_BASE_URL=" + untrusted.URL}, []string{"bankcard", "order1", "-explain"}, []string{"the certificate cannot be verified"}, ""},
		{"too slow", []string{"KYC_TIMEOUT=1ns"}, []string{"bankcard", "order1"}, []string{"no answer in time", "KYC_TIMEOUT"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := u.query(t, c.env, c.args...)
			if misused := strings.Contains(o.stderr, "go run ./scripts/query -h"); misused != (o.code == 2) || o.code != 1 && o.code != 2 {
				t.Errorf("exit code %d: %s", o.code, o.stderr)
			}
			for _, want := range c.stderr {
				if !strings.Contains(o.stderr, want) {
					t.Errorf("stderr does not say %q:\n%s", want, o.stderr)
				}
			}
			if c.stdout == "" && o.stdout != "" || !strings.Contains(o.stdout, c.stdout) {
				t.Errorf("stdout: %s", o.stdout)
			}
		})
	}
	for _, c := range [][3]string{{"bankcard", "blurred1", `"-9012"`}, {"face", "mismatch1", `"66669004"`}} {
		if o := u.query(t, nil, c[0], c[1]); o.code != 0 || !strings.Contains(o.stdout, c[2]) {
			t.Errorf("an answer about the %s: %d %s%s", c[0], o.code, o.stdout, o.stderr)
		}
	}
}
