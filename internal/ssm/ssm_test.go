package ssm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/apitest"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
)

var credentials = role.Credentials{
	SecretID: secret.New("AKIDcanary"), SecretKey: secret.New("canary-key"), SessionToken: secret.New("canary-token"),
}

func given(c role.Credentials) role.Source {
	return func(context.Context) (role.Credentials, error) { return c, nil }
}

// start serves an account with the credentials of the role, and returns a Source of kyc in it.
func start(t *testing.T, path string, r role.Source, log *slog.Logger) (*apitest.Server, *Source) {
	t.Helper()
	account := apitest.New(apitest.Config{SecretID: "AKIDcanary", SecretKey: "canary-key", Token: "canary-token"})
	return account, source(t, account, path, r, log)
}

func source(t *testing.T, h http.Handler, path string, r role.Source, log *slog.Logger) *Source {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	s, err := New(Config{
		URL: secret.New("ssm://ap-guangzhou" + path + "?endpoint=" + server.URL), Role: r, Log: log,
		Variables: []string{"KYC_APP_ID", "KYC_SECRET", "SECRET_SOURCE"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestValues(t *testing.T) {
	account, s := start(t, "/kyc", given(credentials), nil)
	account.PutSecret("kyc", "", `{"KYC_APP_ID":"IDA1","KYC_SECRET":"canary-1"}`)
	for range 2 {
		values, err := s.Values(t.Context())
		if err != nil || len(values) != 2 || values["KYC_SECRET"] != "canary-1" {
			t.Fatalf("%d values, %v", len(values), err)
		}
		account.PutSecret("kyc", "", `{}`) // what was read is kept
	}
	account, s = start(t, "/kyc@v2", given(credentials), nil)
	account.PutSecret("kyc", "v2", `{"KYC_APP_ID":"IDA2"}`)
	if values, err := s.Values(t.Context()); err != nil || values["KYC_APP_ID"] != "IDA2" {
		t.Errorf("of a version: %v", err)
	}
}

func TestFailures(t *testing.T) {
	for _, test := range []struct {
		name, text, code string
		role             role.Source
		want             string // of the error
	}{
		{"no role", `{}`, "", role.FromEnvironment(func(string) string { return "" }), "SECRET_SOURCE: the function has no execution role, or the platform gave no credentials for it: give the function an execution role that may call ssm:GetSecretValue"},
		{"wrong key", `{}`, "", given(role.Credentials{SecretID: credentials.SecretID, SecretKey: secret.New("canary-other"), SessionToken: credentials.SessionToken}), "SECRET_SOURCE: GetSecretValue: AuthFailure.SignatureFailure (request 00000000-0000-4000-8000-000000000001): the execution role's credentials are not accepted: check the function's role"},
		{"no permission", `{}`, "UnauthorizedOperation", given(credentials), "SECRET_SOURCE: GetSecretValue: UnauthorizedOperation (request 00000000-0000-4000-8000-000000000001): allow the execution role ssm:GetSecretValue on this secret"},
		{"throttled", `{}`, "RequestLimitExceeded", given(credentials), "SECRET_SOURCE: GetSecretValue: RequestLimitExceeded (request 00000000-0000-4000-8000-000000000001): the API is throttled: the next request tries again"},
		{"no secret", "", "", given(credentials), "SECRET_SOURCE: GetSecretValue: ResourceNotFound.SecretNotExist (request 00000000-0000-4000-8000-000000000001): no such secret or version in this region: a secret made without a version has SSM_Current, another is named as name@version"},
		{"not JSON", "canary", "", given(credentials), "SECRET_SOURCE: the secret is not a JSON object of variables"},
		{"null", "null", "", given(credentials), "SECRET_SOURCE: the secret is not a JSON object of variables"},
		{"bad content", `{"KYC_SECRET":{"a":"canary"},"KYC_APP_ID":null,"SECRET_SOURCE":"canary","KYC_APPID":"canary"}`, "", given(credentials), `SECRET_SOURCE: the secret's "KYC_APPID" is not a variable that it may hold, KYC_APP_ID is not a string, KYC_SECRET is not a string, "SECRET_SOURCE" is not a variable that it may hold`},
	} {
		t.Run(test.name, func(t *testing.T) {
			account, s := start(t, "/kyc", test.role, nil)
			if test.text != "" {
				account.PutSecret("kyc", "", test.text)
			}
			if test.code != "" {
				account.Fail("GetSecretValue", test.code, 1)
			}
			_, err := s.Values(t.Context())
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

// Whatever answers, nothing of it is shown.
func TestStrangeAnswers(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"cut":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"Response":{"SecretString":"canary`) },
		"html":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502); fmt.Fprint(w, `<canary>`) },
		"status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502); fmt.Fprint(w, `{"canary":1}`) },
		"binary": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"Response":{"SecretBinary":"canary"}}`) },
		"number": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"Response":{"SecretString":7}}`) },
		"message": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"Response":{"Error":{"Code":"A b","Message":"canary"}}}`)
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://canary.example/", http.StatusTemporaryRedirect)
		},
		"endless": func(w http.ResponseWriter, _ *http.Request) { w.Write(bytes.Repeat([]byte("canary"), answerLimit)) },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := source(t, answer, "/kyc", given(credentials), nil).Values(t.Context())
			var e *Error
			if !errors.As(err, &e) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Requests that waited for a failure get the same one.
func TestFailureIsSharedBriefly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		s := &Source{role: func(context.Context) (role.Credentials, error) {
			asked++
			return role.Credentials{}, role.ErrNone
		}}
		for range 5 {
			if _, err := s.Values(t.Context()); err == nil {
				t.Fatal("no error")
			}
		}
		time.Sleep(failMemory)
		if _, err := s.Values(t.Context()); err == nil || asked != 2 {
			t.Errorf("asked %d times, %v", asked, err)
		}
	})
}

func TestChanged(t *testing.T) {
	var log bytes.Buffer
	account, s := start(t, "/kyc", given(credentials), slog.New(slog.NewTextHandler(&log, nil)))
	account.PutSecret("kyc", "", `{"KYC_SECRET":"canary-1"}`)
	used, err := s.Values(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	account.PutSecret("kyc", "", `{"KYC_SECRET":"canary-2"}`)
	if s.Changed(t.Context(), used) {
		t.Error("looked before it was time")
	}
	if !s.ChangedNow(t.Context(), used) || s.ChangedNow(t.Context(), map[string]string{"KYC_SECRET": "canary-2"}) || s.Changed(t.Context(), used) {
		t.Error("did not look at once, or again after that")
	}
	due := func() { s.next.Store(time.Now().UnixNano()) }

	account.Fail("GetSecretValue", "InternalError", 1)
	due()
	if s.Changed(t.Context(), used) {
		t.Error("changed, although it could not be read")
	}
	if !strings.Contains(log.String(), "InternalError") || s.next.Load() > time.Now().Add(failInterval).UnixNano() {
		t.Errorf("log: %s", &log)
	}

	due()
	var mu sync.Mutex
	changes, group := 0, sync.WaitGroup{}
	for range 10 {
		group.Go(func() {
			if s.Changed(t.Context(), used) {
				mu.Lock()
				changes++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if values, err := s.Values(t.Context()); changes != 1 || err != nil || values["KYC_SECRET"] != "canary-2" {
		t.Errorf("%d saw the change, %v", changes, err)
	}
	due()
	if values, _ := s.Values(t.Context()); s.Changed(t.Context(), values) {
		t.Error("changed, although it is the same")
	}
	if strings.Contains(log.String(), "canary") {
		t.Errorf("a value in the log: %s", &log)
	}
}
