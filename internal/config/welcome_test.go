package config

import (
	"strings"
	"testing"
)

func TestWelcome(t *testing.T) {
	good := map[string]string{"KYC_APP_ID": "IDA1", "KYC_SECRET": "CANARY", "CALLER_TOKENS": "shop:CANARY-0123456789"}
	with := func(name, value string) map[string]string {
		values := map[string]string{name: value}
		for n, v := range good {
			if n != name {
				values[n] = v
			}
		}
		return values
	}
	for _, c := range []struct {
		values map[string]string
		wants  []string // none: nothing is wrong
	}{
		{nil, []string{"\nKYC_APP_ID: required\nKYC_SECRET: required\nCALLER_TOKENS: required", "what to do: KYC_APP_ID=IDAXXXXX KYC_SECRET=… "}},
		{with("KYC_BASE_URL", "http://CANARY.example"), []string{"\nKYC_BASE_URL: must be https"}},
		{with("KYC_SECRET", ""), []string{"\nKYC_SECRET: required"}},
		{good, nil},
		{map[string]string{"SECRET_SOURCE": "ssm://ap-guangzhou/kyc"}, nil},
	} {
		var text strings.Builder
		Welcome(&text, func(name string) string { return c.values[name] })
		if !strings.HasPrefix(text.String(), "kyc-ocr-relay listens on http://127.0.0.1:9000 ") || strings.Contains(text.String(), "CANARY") {
			t.Errorf("%v: %s", c.values, &text)
		}
		if told := strings.Contains(text.String(), "what to do"); told != (c.wants != nil) {
			t.Errorf("%v: %s", c.values, &text)
		}
		for _, want := range c.wants {
			if !strings.Contains(text.String(), want) {
				t.Errorf("%v: no %q in %s", c.values, want, &text)
			}
		}
	}
}
