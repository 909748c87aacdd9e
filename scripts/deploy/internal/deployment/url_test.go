package deployment

import (
	"io"
	"slices"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/apitest"
	"kyc-ocr-relay/internal/archive"
)

// TestNoURLUnlessAskedFor: what an event function answers is logged, and with
// CALLER_AUTH=none everybody may ask.
func TestNoURLUnlessAskedFor(t *testing.T) {
	for _, test := range []struct {
		kind           archive.Kind
		auth           string
		eventURL, open bool
		url            bool
		says           string
	}{
		{archive.Event, "token", false, false, false, "the platform logs what an event function answers"},
		{archive.Event, "token", true, false, true, "the function checks its callers' tokens"},
		{archive.Event, "none", false, true, false, "the platform logs what an event function answers"},
		{archive.Event, "none", true, false, false, "with CALLER_AUTH=none everybody who finds it could ask"},
		{archive.Event, "none", true, true, true, "and to everybody who finds it"},
		{archive.Web, "token", false, false, true, "the function checks its callers' tokens"},
		{archive.Web, "none", false, false, false, "with CALLER_AUTH=none everybody who finds it could ask"},
		{archive.Web, "none", false, true, true, "and to everybody who finds it"},
	} {
		w := newWorld(t)
		c := wanted(test.kind, "one", "CALLER_AUTH="+test.auth)
		c.EventURL, c.Open = test.eventURL, test.open
		p := w.plan(c)
		if !strings.Contains(p.String(), test.says) {
			t.Errorf("%+v: no %q in\n%s", test, test.says, p)
		}
		url, err := w.client.Apply(t.Context(), p)
		if err != nil || (url != "") != test.url {
			t.Errorf("%+v: the URL is %q, %v", test, url, err)
		}
		made := slices.Contains(w.cloud.Calls(), "CreateTrigger")
		if want := test.url || test.kind == archive.Event; made != want { // its timer
			t.Errorf("%+v: a trigger was made: %v", test, made)
		}
		if again := w.plan(c); !again.Empty() {
			t.Errorf("%+v: the second run\n%s", test, again)
		}
	}
}

// The plan warns of a URL that an event function has, and leaves it.
func TestURLThatNobodyAskedForIsToldOf(t *testing.T) {
	w := newWorld(t)
	w.deploy(wanted(archive.Event, "one"))
	c := wanted(archive.Event, "one")
	c.EventURL = false
	if p := w.plan(c); !p.Empty() || !strings.Contains(p.String(), "! the event function has a Function URL") {
		t.Errorf("the plan says\n%s", p)
	}
}

// TestCheckWithoutURL asks an event function by an invocation.
func TestCheckWithoutURL(t *testing.T) {
	w := newWorld(t)
	c := wanted(archive.Event, "one")
	c.EventURL = false
	if _, err := w.client.Apply(t.Context(), w.plan(c)); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	k := &checking{Check: Check{Account: w.account(), Name: "relay", Kind: archive.Event, Environment: c.Environment, Out: &out}, client: w.client, serves: "1"}
	k.functionURL(t.Context())
	if !strings.Contains(out.String(), "ok    invoke ") || k.failed > 0 {
		t.Errorf("it says %q", out.String())
	}
	w.cloud.Put(apitest.Version{Name: "other", Type: "Event", Zip: []byte("none")})
	k.Name, k.client.Out = "other", io.Discard
	if k.functionURL(t.Context()); k.failed == 0 {
		t.Error("a function that does not run passes")
	}
}
