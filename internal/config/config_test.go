package config

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// values are name=value pairs by name; the last of a name counts.
func values(pairs ...string) map[string]string {
	values := map[string]string{}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	return values
}

const (
	app    = "KYC_APP_ID=IDA1"
	pass   = "KYC_SECRET=canary-app-secret"
	caller = "CALLER_TOKENS=shop:canary-caller-token"
)

func TestDefaults(t *testing.T) {
	c, err := Parse(values(app, pass, caller))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Apps) != 1 || c.Apps[0].ID != "IDA1" || c.Apps[0].Secret.Reveal() != "canary-app-secret" || c.DefaultApp != "IDA1" {
		t.Errorf("apps %v, default %q", c.Apps, c.DefaultApp)
	}
	if c.BaseURL.String() != "https://miniprogram-kyc.tencentcloudapi.com" || c.Timeout != 5*time.Second || c.Refresh != 20*time.Minute || c.Overlap != time.Minute {
		t.Errorf("%+v", c)
	}
	if c.Store.Scheme != "memory" || c.NoAuth || len(c.Callers) != 1 || c.Callers[0].Name != "shop" || c.LogLevel != slog.LevelInfo || c.RoutePrefix != "" {
		t.Errorf("%+v", c)
	}
	if text := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(text, "canary") {
		t.Errorf("the Config prints a secret: %s", text)
	}
}

func TestValues(t *testing.T) {
	for _, test := range []struct {
		name string
		env  []string
		ok   func(Config) bool
	}{
		{"several apps", []string{app, pass, caller, "KYC_APPS=IDA2:a:b , IDA3:c,"}, func(c Config) bool {
			return len(c.Apps) == 3 && c.DefaultApp == "IDA1" && c.Apps[1].Secret.Reveal() == "a:b" && c.Apps[2].ID == "IDA3"
		}},
		{"rotation: one app, two secrets", []string{app, pass, caller, "KYC_APPS=IDA2:x,IDA1:canary-new,IDA2:y"}, func(c Config) bool {
			return len(c.Apps) == 2 && c.DefaultApp == "IDA1" && c.Apps[0].Secret.Reveal() == "canary-app-secret" && c.Apps[0].Next.Reveal() == "canary-new" && c.Apps[1].Next.Reveal() == "y"
		}},
		{"rotation of the only app", []string{caller, "KYC_APPS=IDA2:x,IDA2:y"}, func(c Config) bool { return c.DefaultApp == "IDA2" && len(c.Apps) == 1 }},
		{"no rotation", []string{app, pass, caller}, func(c Config) bool { return c.Apps[0].Next.IsEmpty() }},
		{"the only app", []string{caller, "KYC_APPS=IDA2:x"}, func(c Config) bool { return c.DefaultApp == "IDA2" }},
		{"no default among several", []string{caller, "KYC_APPS=IDA2:x,IDA3:y"}, func(c Config) bool { return c.DefaultApp == "" }},
		{"empty is unset", []string{app, pass, caller, "KYC_TIMEOUT=", "LOG_LEVEL= "}, func(c Config) bool { return c.Timeout == 5*time.Second }},
		{"white space", []string{"KYC_APP_ID= IDA1\n", pass, caller}, func(c Config) bool { return c.DefaultApp == "IDA1" }},
		{"loopback http", []string{app, pass, caller, "KYC_BASE_URL=http://127.0.0.1:8080/"}, func(c Config) bool { return c.BaseURL.String() == "http://127.0.0.1:8080" }},
		{"loopback http, v6", []string{app, pass, caller, "KYC_BASE_URL=http://[::1]:8080"}, func(c Config) bool { return c.BaseURL.Port() == "8080" }},
		{"localhost", []string{app, pass, caller, "KYC_BASE_URL=http://localhost"}, func(c Config) bool { return c.BaseURL.Host == "localhost" }},
		{"no caller authentication", []string{app, pass, "CALLER_AUTH=none"}, func(c Config) bool { return c.NoAuth && len(c.Callers) == 0 }},
		{"rotation: one name, two tokens", []string{app, pass, "CALLER_TOKENS=shop:0123456789abcdef,shop:fedcba9876543210"}, func(c Config) bool { return len(c.Callers) == 2 }},
		{"prefix", []string{app, pass, caller, "ROUTE_PREFIX=release/kyc.v1/"}, func(c Config) bool { return c.RoutePrefix == "/release/kyc.v1" }},
		{"stores", []string{app, pass, caller, "TICKET_STORE=rediss://user:canary@host:6380/2"}, func(c Config) bool { return c.Store.Scheme == "rediss" }},
		{"sinks", []string{app, pass, caller, "DELIVER_SECRET=x", "DELIVER_TO=file:///a, cos://b-125.ap-guangzhou/p ,https://h/p,http://127.0.0.1/h"}, func(c Config) bool { return len(c.DeliverTo) == 4 }},
		{"bucket at another endpoint", []string{app, pass, caller, "TICKET_STORE=cos://b-125.ap-x/p?endpoint=http://127.0.0.1:9"}, func(c Config) bool { return c.Store.Scheme == "cos" }},
		{"secret source", []string{app, pass, caller, "SECRET_SOURCE=ssm://ap-guangzhou/kyc"}, func(c Config) bool { return c.SecretSource.Scheme == "ssm" }},
		{"secret source, of a version, at another endpoint", []string{app, pass, caller, "SECRET_SOURCE=ssm://ap-x/kyc@v1.2?endpoint=http://127.0.0.1:9"}, func(c Config) bool { return c.SecretSource.Scheme == "ssm" }},
		{"level", []string{app, pass, caller, "LOG_LEVEL=WARN"}, func(c Config) bool { return c.LogLevel == slog.LevelWarn }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := Parse(values(test.env...))
			if err != nil || !test.ok(c) {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	good := []string{app, pass, caller}
	for _, test := range []struct {
		name string
		env  []string
		want []string // the variables named, in order
	}{
		{"nothing set", nil, []string{"KYC_APP_ID", "KYC_SECRET", "CALLER_TOKENS"}},
		{"no secret", []string{app, caller}, []string{"KYC_SECRET"}},
		{"no app id", []string{pass, caller, "KYC_APPS=IDA2:canary"}, []string{"KYC_APP_ID"}},
		{"bad app id", append(good, "KYC_APP_ID=a/canary"), []string{"KYC_APP_ID"}},
		{"bad app entries", append(good, "KYC_APPS=canary,:canary,x:"), []string{"KYC_APPS", "KYC_APPS", "KYC_APPS"}},
		{"an app's secret twice", append(good, "KYC_APPS=IDA1:canary-app-secret,IDA2:canary,IDA2:canary"), []string{"KYC_APPS", "KYC_APPS"}},
		{"three secrets of an app", append(good, "KYC_APPS=IDA1:canary-1,IDA1:canary-2,IDA1:canary-1"), []string{"KYC_APPS", "KYC_APPS"}},
		{"only commas", append(good, "KYC_APPS=,,"), []string{"KYC_APPS"}},
		{"plain http", append(good, "KYC_BASE_URL=http://canary.example.com"), []string{"KYC_BASE_URL"}},
		{"http that looks like loopback", append(good, "KYC_BASE_URL=http://127.0.0.1.canary.com"), []string{"KYC_BASE_URL"}},
		{"user in the base URL", append(good, "KYC_BASE_URL=https://canary:x@h"), []string{"KYC_BASE_URL"}},
		{"not a URL", append(good, "KYC_BASE_URL=https://canary%zz"), []string{"KYC_BASE_URL"}},
		{"times", append(good, "KYC_TIMEOUT=canary", "TICKET_REFRESH=0", "TICKET_OVERLAP=-1s"), []string{"KYC_TIMEOUT", "TICKET_REFRESH", "TICKET_OVERLAP"}},
		{"refresh beyond the ticket's life", append(good, "TICKET_REFRESH=1h"), []string{"TICKET_REFRESH"}},
		{"overlap not below refresh", append(good, "TICKET_REFRESH=1m"), []string{"TICKET_OVERLAP"}},
		{"store", append(good, "TICKET_STORE=mysql://canary"), []string{"TICKET_STORE"}},
		{"relative store", append(good, "TICKET_STORE=file://canary/x"), []string{"TICKET_STORE"}},
		{"bucket without an app id", append(good, "TICKET_STORE=cos://canary.ap-x/p"), []string{"TICKET_STORE"}},
		{"bucket at a plain endpoint", append(good, "TICKET_STORE=cos://b-125.ap-x/p?endpoint=http://canary.com"), []string{"TICKET_STORE"}},
		{"authentication", append(good, "CALLER_AUTH=canary"), []string{"CALLER_AUTH"}},
		{"short token", append(good, "CALLER_TOKENS=a:canary"), []string{"CALLER_TOKENS"}},
		{"token with a space", append(good, "CALLER_TOKENS=a:canary canary canary"), []string{"CALLER_TOKENS"}},
		{"nameless token", append(good, "CALLER_TOKENS=canary-canary-canary"), []string{"CALLER_TOKENS"}},
		{"sink", append(good, "DELIVER_TO=ftp://canary,http://canary.com/x"), []string{"DELIVER_TO", "DELIVER_TO"}},
		{"webhook without a secret", append(good, "DELIVER_TO=https://canary.com/x"), []string{"DELIVER_SECRET"}},
		{"secret source", append(good, "SECRET_SOURCE=vault://canary/x"), []string{"SECRET_SOURCE"}},
		{"secret source without a name", append(good, "SECRET_SOURCE=ssm://canary/"), []string{"SECRET_SOURCE"}},
		{"secret source, two segments", append(good, "SECRET_SOURCE=ssm://canary/a/b"), []string{"SECRET_SOURCE"}},
		{"secret source at a plain endpoint", append(good, "SECRET_SOURCE=ssm://ap-x/kyc?endpoint=http://canary.com"), []string{"SECRET_SOURCE"}},
		{"prefix", append(good, "ROUTE_PREFIX=/canary/../x"), []string{"ROUTE_PREFIX"}},
		{"level", append(good, "LOG_LEVEL=canary"), []string{"LOG_LEVEL"}},
		{"all at once", []string{"KYC_TIMEOUT=canary", "LOG_LEVEL=canary", "TICKET_STORE=canary"}, []string{"KYC_TIMEOUT", "TICKET_STORE", "LOG_LEVEL", "KYC_APP_ID", "KYC_SECRET", "CALLER_TOKENS"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(values(test.env...))
			if err == nil {
				t.Fatal("no error")
			}
			var named []string
			for line := range strings.Lines(err.Error()) {
				variable, _, _ := strings.Cut(line, ":")
				named = append(named, variable)
			}
			if !slices.Equal(named, test.want) {
				t.Errorf("named %q, want %q", named, test.want)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error shows a value: %v", err)
			}
		})
	}
}

func TestParse(t *testing.T) {
	t.Setenv("KYC_TIMEOUT", "3s") // the environment of the process does not count
	c, err := Parse(map[string]string{"KYC_APPS": "IDA7:x", "CALLER_AUTH": "none"})
	if err != nil || c.DefaultApp != "IDA7" || c.Refresh != 20*time.Minute || c.Timeout != 5*time.Second {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := Parse(nil); err == nil {
		t.Error("nothing is enough")
	}
	if names := Variables(); names[0] != "KYC_APP_ID" || !slices.Contains(names, "SECRET_SOURCE") {
		t.Errorf("variables %q", names)
	}
}

// The documents' tables and Usage say the same: every variable, its default.
func TestDocuments(t *testing.T) {
	var usage bytes.Buffer
	if err := Usage(&usage); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for line := range strings.Lines(usage.String()) {
		name, preset, _ := strings.Cut(strings.TrimSpace(line), " ")
		want[name] = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(preset), "(default "), ")")
	}
	for _, file := range []string{"../../docs/configuration.md", "../../docs/configuration.zh-CN.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for line := range strings.Lines(string(text)) {
			cells := strings.Split(line, "|")
			if len(cells) < 4 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
				continue
			}
			for name := range strings.SplitSeq(cells[1], ",") {
				name = strings.Trim(name, " `")
				if _, ok := want[name]; ok || strings.HasPrefix(name, "KYC_") || strings.HasPrefix(name, "TICKET_") {
					value := strings.Trim(cells[2], " `")
					if value == "–" || strings.HasPrefix(value, "required") || strings.HasPrefix(value, "必填") {
						value = ""
					}
					got[name] = value
				}
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s documents\n%v\nthe program reads\n%v", file, got, want)
		}
	}
}
