package config

import (
	"strings"
	"testing"
)

// Plain http stays on this machine, for the upstream, a webhook and every endpoint alike: whatever
// only looks like loopback is refused.
func TestHTTPIsForLoopbackOnly(t *testing.T) {
	variables := map[string]func(string) []string{
		"KYC_BASE_URL":  func(u string) []string { return []string{"KYC_BASE_URL=" + u} },
		"DELIVER_TO":    func(u string) []string { return []string{"DELIVER_SECRET=x", "DELIVER_TO=" + u} },
		"TICKET_STORE":  func(u string) []string { return []string{"TICKET_STORE=cos://b-125.ap-x/p?endpoint=" + u} },
		"SECRET_SOURCE": func(u string) []string { return []string{"SECRET_SOURCE=ssm://ap-x/kyc?endpoint=" + u} },
	}
	for u, want := range map[string]bool{
		"http://127.0.0.1:8080": true, "http://127.255.0.9": true, "http://localhost:1": true, "http://LocalHost": true, "http://[::1]:1": true,
		"HTTP://127.0.0.1": true, "http://[::ffff:127.0.0.1]": true, "https://example.com": true,

		"http://example.com": false, "http://10.0.0.1": false, "http://169.254.0.23": false, "http://0.0.0.0": false, "http://[::]": false, "http://[fe80::1]": false,
		"http://localhost.example.com": false, "http://127.0.0.1.example.com": false, "http://localhost@example.com": false, "http://127.0.0.1:80@example.com": false,
		"http://example.com/127.0.0.1": false, "http://example.com:127": false, "http://127.1": false, "http://2130706433": false, "http://0x7f000001": false, "http://0177.0.0.1": false,
		"http://１２７.0.0.1": false, "http://[::ffff:10.0.0.1]": false, "http://[::1%25eth0]": false, "http://": false, "http:127.0.0.1": false,
		"ws://127.0.0.1": false, "//127.0.0.1": false, "httpx://example.com": false,
	} {
		for variable, pairs := range variables {
			_, err := Parse(values(append(pairs(u), app, pass, caller)...))
			if (err == nil) != want {
				t.Errorf("%s=%s: %v", variable, u, err)
			}
			if err != nil && !strings.HasPrefix(err.Error(), variable) {
				t.Errorf("%s=%s: %v", variable, u, err)
			}
		}
	}
}
