package config

import (
	"strings"
	"testing"
)

func grantedWith(t *testing.T, more map[string]string) (Config, error) {
	t.Helper()
	values := map[string]string{
		"KYC_APPS": "IDA1:s1,IDA2:s2", "CALLER_TOKENS": "shop:token-1-0123456789,shop:token-2-0123456789,admin:token-3-0123456789",
	}
	for name, value := range more {
		values[name] = value
	}
	return Parse(values)
}

func TestGrants(t *testing.T) {
	c, err := grantedWith(t, map[string]string{"CALLER_SCOPES": "shop: ticket + ocr ,", "CALLER_APPS": "shop:IDA2"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Callers {
		caller := &c.Callers[i]
		named := caller.Name == "shop" // with both its tokens
		for scope, want := range map[Scope]bool{OCR: true, Face: !named, Start: !named, Check: !named, Ticket: named, "": !named} {
			if caller.May(scope) != want {
				t.Errorf("%s, %q: %v", caller.Name, scope, !want)
			}
		}
		if caller.MayUse("IDA1") == named || !caller.MayUse("IDA2") {
			t.Errorf("%s may use IDA1: %v, IDA2: %v", caller.Name, caller.MayUse("IDA1"), caller.MayUse("IDA2"))
		}
	}
	if c, err = grantedWith(t, nil); err != nil || c.Callers[0].May(Ticket) || !c.Callers[0].May(Start) {
		t.Errorf("ticket is granted by nobody, or start is not had: %v", err)
	}
}

func TestGrantsThatAreWrong(t *testing.T) {
	for _, c := range []struct{ scopes, apps, want string }{
		{"shop:canary", "", "CALLER_SCOPES: caller shop has an unknown scope"},
		{"shop", "", "CALLER_SCOPES: entry 1 must be name:scope+scope"},
		{"shop:+", "", "CALLER_SCOPES: entry 1 must be name:scope+scope"},
		{"canary:ocr", "", "CALLER_SCOPES: entry 1 names a caller that CALLER_TOKENS does not have"},
		{"shop:ocr,shop:face", "", "CALLER_SCOPES: caller shop is named twice"},
		{",", "", "CALLER_SCOPES: must be name:scope+scope"},
		{"", "shop:canary", "CALLER_APPS: caller shop has an app that is neither"},
		{"", "admin:", "CALLER_APPS: entry 1 must be name:appid+appid"},
		{"", "shop:IDA1,canary:IDA1", "CALLER_APPS: entry 2 names a caller"},
		{"", "admin:IDA1,admin:IDA2", "CALLER_APPS: caller admin is named twice"},
	} {
		_, err := grantedWith(t, map[string]string{"CALLER_SCOPES": c.scopes, "CALLER_APPS": c.apps})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q, %q: %v", c.scopes, c.apps, err)
		}
	}
	if _, err := Parse(map[string]string{"KYC_APPS": "IDA1:s1", "CALLER_AUTH": "none", "CALLER_SCOPES": "shop:ocr"}); err == nil {
		t.Error("scopes of nobody")
	}
}
