package ssm_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/apitest"
	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/pipetest"
	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/internal/testmain"
)

// folder has the function's binary.
var folder testmain.Folder

func TestMain(m *testing.M) { testmain.Run(m, &folder) }

// The built function takes its variables from the secret, with the role's credentials as either kind
// of function has them; without them it says so, at every request, until they are there.
func TestFunction(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the function")
	}
	binary := folder.Function(t)
	upstream := httptest.NewServer(simulator.New(simulator.Config{Apps: map[string]string{"IDA1": "CANARY-secret"}}))
	defer upstream.Close()
	account := apitest.New(apitest.Config{SecretID: gateway.FakeSecretID, SecretKey: gateway.FakeSecretKey, Token: gateway.FakeSessionToken})
	api := httptest.NewServer(account)
	defer api.Close()

	env := map[string]string{"SECRET_SOURCE": "ssm://ap-guangzhou/kyc?endpoint=" + api.URL, "KYC_BASE_URL": upstream.URL}
	withRole := map[string]string{
		"TENCENTCLOUD_SECRETID": gateway.FakeSecretID, "TENCENTCLOUD_SECRETKEY": gateway.FakeSecretKey, "TENCENTCLOUD_SESSIONTOKEN": gateway.FakeSessionToken,
	}
	for name, value := range env {
		withRole[name] = value
	}
	for _, test := range []struct {
		name  string
		start func(gateway.Config) (http.Handler, io.Closer, error)
		env   map[string]string
	}{
		{"event", startEvent(t), withRole},
		{"web", startWeb(t), env},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log pipetest.Log
			f, closer, err := test.start(gateway.Config{Binary: binary, Env: test.env, Log: &log})
			if err != nil {
				t.Fatal(err)
			}
			defer closer.Close()
			var shown strings.Builder
			get := func(path string) *httptest.ResponseRecorder {
				r := httptest.NewRequest("GET", path, nil)
				r.Header.Set("Authorization", "Bearer CANARY-caller-token")
				w := httptest.NewRecorder()
				f.ServeHTTP(w, r)
				shown.WriteString(w.Body.String())
				return w
			}
			for _, step := range []struct {
				what, text string
				want       string
			}{
				{"bad content", `{"KYC_APP_ID":"IDA1","KYC_SECRETS":"CANARY-secret","CALLER_TOKENS":7}`, `SECRET_SOURCE: the secret's CALLER_TOKENS is not a string, "KYC_SECRETS" is not a variable that it may hold`},
				{"a variable missing", `{"KYC_APP_ID":"IDA1","CALLER_TOKENS":"shop:CANARY-caller-token"}`, "KYC_SECRET: required"},
			} {
				account.PutSecret("kyc", "", step.text)
				w := get("/ocr/bankcard/order1")
				var answer struct{ Code, Msg string }
				if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 500 || answer.Code != "InternalError.Configuration" || answer.Msg != step.want {
					t.Errorf("%s: %d %s", step.what, w.Code, w.Body)
				}
				// What was read well is kept for ten minutes: another instance reads what is next.
				closer.Close()
				if f, closer, err = test.start(gateway.Config{Binary: binary, Env: test.env, Log: &log}); err != nil {
					t.Fatal(err)
				}
				defer closer.Close()
			}
			account.PutSecret("kyc", "", `{"KYC_APP_ID":"IDA1","KYC_SECRET":"CANARY-secret","CALLER_TOKENS":"shop:CANARY-caller-token","KYC_BASE_URL":"https://nowhere.invalid"}`)
			if w := get("/ocr/bankcard/order1"); w.Code != 200 || !strings.Contains(w.Body.String(), `"code":"0"`) {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
			account.PutSecret("kyc", "", "it is not asked again")
			if w := get("/ocr/bankcard/order1"); w.Code != 200 {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
			closer.Close()
			if text := shown.String() + log.String(); strings.Contains(text, "CANARY") || strings.Contains(text, "FAKE-ROLE") {
				t.Errorf("a secret is shown:\n%s", text)
			}
		})
	}
	t.Run("no role", func(t *testing.T) {
		f, err := gateway.StartEvent(t.Context(), gateway.Config{Binary: binary, Env: env})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequest("GET", "/healthz", nil))
		if w.Code != 500 || !strings.Contains(w.Body.String(), "give the function an execution role") {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	})
}

func startEvent(t *testing.T) func(gateway.Config) (http.Handler, io.Closer, error) {
	return func(c gateway.Config) (http.Handler, io.Closer, error) {
		f, err := gateway.StartEvent(t.Context(), c)
		return f, f, err
	}
}

func startWeb(t *testing.T) func(gateway.Config) (http.Handler, io.Closer, error) {
	return func(c gateway.Config) (http.Handler, io.Closer, error) {
		f, err := gateway.StartWeb(t.Context(), c)
		return f, f, err
	}
}
