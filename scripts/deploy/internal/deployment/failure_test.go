package deployment

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/archive"
	"kyc-ocr-relay/internal/secret"
)

func TestFailures(t *testing.T) {
	for _, test := range []struct {
		name, action, code string
		times              int
		golden             bool // it fails, with this message
	}{
		{"throttled", "UpdateFunctionCode", "RequestLimitExceeded", maxThrottled, false},
		{"throttled-look", "ListTriggers", "RequestLimitExceeded.UinLimitExceeded", 2, false},
		{"throttled-for-long", "UpdateFunctionCode", "RequestLimitExceeded", maxThrottled + 1, true},
		{"not-active", "UpdateFunctionConfiguration", "FailedOperation.FunctionStatusError", maxBusy, false},
		{"not-active-for-long", "UpdateFunctionConfiguration", "FailedOperation.FunctionStatusError", maxBusy + 1, true},
		{"in-use", "PublishVersion", "ResourceInUse", maxBusy, false},
		{"in-use-for-long", "PublishVersion", "ResourceInUse", maxBusy + 1, true},
		{"version-not-active", "UpdateAlias", "FailedOperation.FunctionVersionStatusNotActive", 1, false},
		{"no-permission", "UpdateFunctionCode", "UnauthorizedOperation.CAM", 1, true},
		{"no-permission-for-alias", "UpdateAlias", "AuthFailure.UnauthorizedOperation", 1, true},
		{"limit", "PublishVersion", "LimitExceeded.FunctionVersions", 1, true},
		{"platform", "PublishVersion", "InternalError.System", 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.deploy(wanted(archive.Event, "one"))
			changed := wanted(archive.Event, "two")
			p := w.plan(changed)
			w.cloud.Fail(test.action, test.code, test.times)
			_, err := w.client.Apply(t.Context(), p)
			if !test.golden {
				if err != nil || w.traffic() != "2" {
					t.Errorf("traffic %s, %v", w.traffic(), err)
				}
				return
			}
			fmt.Fprintln(&w.out, err)
			w.golden("failure-"+test.name, fmt.Sprintln(err))
			var e *Error
			if !errors.As(err, &e) || e.Code != test.code || e.RequestID == "" {
				t.Errorf("got %#v", e)
			}
			if w.traffic() != "1" {
				t.Errorf("traffic %s", w.traffic())
			}
			// The same command goes on from there.
			w.deploy(changed)
			if w.traffic() != "2" {
				t.Errorf("after it: traffic %s", w.traffic())
			}
			if text, calls := w.deploy(changed); len(calls) > 0 {
				t.Errorf("after it: called %v\n%s", calls, text)
			}
		})
	}
}

// A creation that fails at any step is gone on with by the same command.
func TestCreationGoesOn(t *testing.T) {
	for _, action := range []string{"CreateFunction", "UpdateFunctionConfiguration", "PublishVersion", "Invoke", "UpdateAlias", "CreateTrigger"} {
		t.Run(action, func(t *testing.T) {
			w := newWorld(t)
			p := w.plan(wanted(archive.Event, "one"))
			w.cloud.Fail(action, "InternalError", 1)
			if _, err := w.client.Apply(t.Context(), p); err == nil {
				t.Fatal("no error")
			} else if action == "CreateTrigger" {
				w.golden("failure-creation", fmt.Sprintln(err))
			}
			w.deploy(wanted(archive.Event, "one"))
			if text, calls := w.deploy(wanted(archive.Event, "one")); len(calls) > 0 || w.traffic() == "$LATEST" {
				t.Errorf("after it: called %v, traffic %s\n%s", calls, w.traffic(), text)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	w := newWorld(t)
	w.deploy(wanted(archive.Event, "one"))
	large := wanted(archive.Event, "one", "ROUTE_PREFIX=/"+strings.Repeat("x", 4096))
	large.Environment.Values["ROUTE_PREFIX"] = "/" + strings.Repeat("abc/", 1024)
	heavy := wanted(archive.Event, "one")
	heavy.Zip = make([]byte, 8_000_000)
	bad := wanted(archive.Event, "one")
	bad.Name, bad.Kind, bad.Memory, bad.Timeout, bad.Canary = "-", "image", 100, 901, 100
	for _, test := range []struct {
		name string
		c    Config
		want string
	}{
		{"another type", wanted(archive.Web, "one"), "relay exists as a function of type Event, and a type cannot be changed: choose another -name, or delete it in the console"},
		{"too many variables", large, "the variables have 4226 bytes, names and values together, and the platform takes 4096: move some to SECRET_SOURCE"},
		{"too much code", heavy, "the code has 8.0 MB: a request to the API has 10 MB at most, as Base64"},
		{"flags", bad, "-name: must be 2 to 60 letters, digits, - and _, beginning with a letter and not ending with - or _\n-kind: must be event or web\n-memory: must be 64, or 128 to 3072 in steps of 128\n-timeout: must be 1 to 900 seconds\n-canary: must be 1 to 99 percent, or 0 for all of the traffic"},
		{"bad variables", wanted(archive.Event, "one", "KYC_SECRET", "KYC_TIMEOUT=CANARY"), "KYC_TIMEOUT: must be a duration greater than zero, such as 5s or 20m\nKYC_SECRET: required"},
		{"no role", wanted(archive.Event, "one", "SECRET_SOURCE=ssm://ap-guangzhou/kyc", "KYC_SECRET", "CALLER_TOKENS"), "SECRET_SOURCE needs an execution role: -role NAME"},
		{"with a secret source, what is set must be right", wanted(archive.Event, "one", "SECRET_SOURCE=ssm://ap-guangzhou/kyc", "CALLER_TOKENS", "KYC_SECRET", "LOG_LEVEL=CANARY"), "LOG_LEVEL: must be debug, info, warn or error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := w.client.Plan(t.Context(), test.c)
			if err == nil || err.Error() != test.want {
				t.Errorf("got\n%v\nwant\n%s", err, test.want)
			}
		})
	}
	if calls := w.cloud.Calls(); len(calls) > 0 {
		t.Errorf("called %v", calls)
	}
}

func TestCredentialsAreRefused(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct {
		change func(*Account)
		want   string
	}{
		{func(a *Account) { a.SecretID = "" }, "credentials: TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY are required (console: Access Management, API Keys)"},
		{func(a *Account) { a.Region = "" }, "region: -region or TENCENTCLOUD_REGION is required, such as ap-guangzhou"},
		{func(a *Account) { a.Endpoint = "http://scf.example.com" }, "-endpoint: must be https://host; http is accepted for loopback only"},
		{func(a *Account) { a.SecretKey = secret.New("CANARY-wrong") }, "GetFunction: AuthFailure.SignatureFailure: the signature is another one (request 00000000-0000-4000-8000-000000000001)\n  what to do: TENCENTCLOUD_SECRET_KEY does not belong to TENCENTCLOUD_SECRET_ID"},
	} {
		a := w.account()
		test.change(&a)
		client, err := NewClient(a)
		if err == nil {
			_, err = client.Plan(t.Context(), wanted(archive.Event, "one"))
		}
		if err == nil || err.Error() != test.want {
			t.Errorf("got\n%v\nwant\n%s", err, test.want)
		}
	}
}

// What the API says is shown, but for secrets that it quotes.
func TestErrorsHideSecrets(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"Response":{"Error":{"Code":"InvalidParameterValue.Environment","Message":"bad: CANARY-app-secret, shop:CANARY-caller-token"},"RequestId":"id"}}`)
	}))
	defer server.Close()
	client, err := NewClient(Account{SecretID: "AKIDtest", SecretKey: secret.New("k"), Region: "ap-guangzhou", Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Plan(t.Context(), wanted(archive.Event, "one"))
	if err == nil || strings.Contains(err.Error(), "CANARY") || !strings.Contains(err.Error(), "bad: [redacted]") {
		t.Errorf("got %v", err)
	}
}
