package deployment

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"kyc-ocr-relay/internal/apitest"
	"kyc-ocr-relay/internal/archive"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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
