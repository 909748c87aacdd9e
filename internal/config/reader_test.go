package config

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kyc-ocr-relay/internal/apitest"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
)

// source serves a secrets manager with the secret kyc, whose URL it returns.
func source(t *testing.T) (*apitest.Server, string) {
	account := apitest.New(apitest.Config{SecretID: "AKIDcanary", SecretKey: "canary-key", Token: "canary-token"})
	server := httptest.NewServer(account)
	t.Cleanup(server.Close)
	return account, "ssm://ap-guangzhou/kyc?endpoint=" + server.URL
}

func reader(log *slog.Logger, pairs ...string) *Reader {
	return &Reader{
		Getenv: of(values(pairs...)),
		Role: func(context.Context) (role.Credentials, error) {
			return role.Credentials{SecretID: secret.New("AKIDcanary"), SecretKey: secret.New("canary-key"), SessionToken: secret.New("canary-token")}, nil
		},
		Log: log,
	}
}

func TestLoadFromTheEnvironmentAlone(t *testing.T) {
	t.Setenv("KYC_TIMEOUT", "3s") // the environment of the process does not count
	c, stale, err := reader(nil, app, pass, caller).Load(t.Context())
	if err != nil || stale != nil || c.DefaultApp != "IDA1" || c.Timeout != 5*time.Second {
		t.Errorf("%+v, %v", c, err)
	}
	var empty Reader
	_, stale, err = empty.Load(t.Context())
	if err == nil || stale != nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("an empty environment: %v", err)
	}
	_, stale, err = reader(nil, app, "SECRET_SOURCE=canary").Load(t.Context())
	if err == nil || stale != nil || strings.Contains(err.Error(), "canary") {
		t.Fatalf("a bad SECRET_SOURCE: %v", err)
	}
	for _, variable := range []string{"SECRET_SOURCE", "KYC_SECRET", "CALLER_TOKENS"} {
		if !strings.Contains(err.Error(), variable+": ") {
			t.Errorf("a bad SECRET_SOURCE: %s is not among the problems: %v", variable, err)
		}
	}
}

// The environment wins over the secret, the secret over the default; what is blank is not set.
func TestLoadFromTheSecret(t *testing.T) {
	account, location := source(t)
	account.PutSecret("kyc", "", `{"KYC_APP_ID":"IDA2","KYC_SECRET":"of-the-secret","CALLER_AUTH":"none","KYC_TIMEOUT":"9s","LOG_LEVEL":" warn "}`)
	c, stale, err := reader(nil, app, "KYC_TIMEOUT=3s", "LOG_LEVEL= ", "SECRET_SOURCE= "+location+" ").Load(t.Context())
	if err != nil || stale == nil {
		t.Fatal(err)
	}
	if c.DefaultApp != "IDA1" || c.Apps[0].Secret.Reveal() != "of-the-secret" || !c.NoAuth || c.Timeout != 3*time.Second || c.LogLevel != slog.LevelWarn || c.Overlap != time.Minute {
		t.Errorf("%+v", c)
	}
}

func TestLoadAgain(t *testing.T) {
	account, location := source(t)
	var log bytes.Buffer
	r := reader(slog.New(slog.NewTextHandler(&log, nil)), app, "SECRET_SOURCE="+location)

	_, stale, err := reader(nil, app, "SECRET_SOURCE="+location).Load(t.Context())
	if err == nil || stale != nil || !strings.HasPrefix(err.Error(), "SECRET_SOURCE: GetSecretValue: ResourceNotFound") {
		t.Fatalf("no secret: %v", err)
	}
	account.PutSecret("kyc", "", `{"KYC_SECRET":"canary-1"}`)
	_, stale, err = r.Load(t.Context())
	if err == nil || stale == nil || err.Error() != "CALLER_TOKENS: required with CALLER_AUTH=token, as name:token,name:token" {
		t.Fatalf("a variable is missing: %v", err)
	}
	account.PutSecret("kyc", "", `{"KYC_SECRET":"canary-1","CALLER_AUTH":"none"}`)
	if stale(t.Context(), false) {
		t.Error("looked before it was time")
	}
	if !stale(t.Context(), true) {
		t.Error("the secret has changed, and it does not say so")
	}
	c, stale, err := r.Load(t.Context())
	if err != nil || !c.NoAuth || stale(t.Context(), true) {
		t.Errorf("changed: %v", err)
	}
	account.Fail("GetSecretValue", "InternalError", 1)
	if stale(t.Context(), true) || !strings.Contains(log.String(), "InternalError") || strings.Contains(log.String(), "canary") {
		t.Errorf("a failed look: %s", &log)
	}
}

// The process's own environment goes through envconfig: what is set there wins, what is blank there
// comes from the secret, and the default is the last.
func TestLoadFromTheProcess(t *testing.T) {
	t.Setenv("KYC_APP_ID", " IDA1 ")
	t.Setenv("KYC_SECRET", "s")
	t.Setenv("CALLER_AUTH", "none")
	t.Setenv("KYC_TIMEOUT", "")
	c, stale, err := new(Reader).Load(t.Context())
	if err != nil || stale != nil || c.DefaultApp != "IDA1" || !c.NoAuth || c.Timeout != 5*time.Second {
		t.Errorf("%+v, %v", c, err)
	}
	env := read(process(), of(map[string]string{"KYC_TIMEOUT": "8s", "TICKET_REFRESH": "15m", "KYC_APP_ID": "IDA2"}))
	if env.Timeout != "8s" || env.Refresh != "15m" || env.AppID != "IDA1" || env.Overlap != "1m" {
		t.Errorf("%+v", env)
	}
}
