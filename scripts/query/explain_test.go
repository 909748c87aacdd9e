package main

import (
	"crypto/sha1"
	"fmt"
	"net/http/httptest"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// explained is an explanation as it is printed, the masked ticket in the second group.
var explained = regexp.MustCompile(`(?m)^query (\d) of (\d), sent [0-9-]{10} [0-9:.]{12} UTC to (\S+)\n` +
	`  the values, sorted as byte strings:\n((?:    .+\n){5})` +
	`  joined  (\S+)\[(\d+) characters\](\S*)\n` +
	`  nonce   ([0-9A-Za-z]{32})\n` +
	`  sign    ([0-9A-F]{40}) \(SHA-1 of the joined values, in upper-case hex\)$`)

func TestExplain(t *testing.T) {
	card := []string{"/api/server/getBankCardOcrResult", "SIGN ticket", "app_id", "nonce", "order_no", "version"}
	face := []string{"/api/v2/base/queryfacerecord", "SIGN ticket", "appId", "nonce", "orderNo", "version"}
	for _, c := range []struct {
		typ, order string
		queries    int
		code       int
		names      []string // the path, and what is signed
	}{
		{"bankcard", "order1", 1, 0, card},
		{"bankcard", "transient1", 3, 0, card}, // tried again, each time with a nonce of its own
		{"bankcard", "rejected1", 2, 1, card},  // again, with a new ticket
		{"face", "order1", 1, 0, face},
		{"face", "transient1", 1, 1, face}, // a POST, which is not sent again
		{"face", "rejected1", 2, 1, face},
	} {
		t.Run(c.typ+" "+c.order, func(t *testing.T) {
			u := newUpstream(t, httptest.NewServer)
			o := u.query(t, nil, c.typ, c.order, "-explain")
			if o.code != c.code {
				t.Errorf("exit code %d", o.code)
			}
			queries, _, tickets := u.seen()
			found := explained.FindAllStringSubmatch(o.stderr, -1)
			if len(found) != c.queries || len(queries) != c.queries {
				t.Fatalf("%d explanations of %d queries:\n%s", len(found), len(queries), o.stderr)
			}
			for i, m := range found {
				sent, ticket := queries[i], tickets[min(i, len(tickets)-1)]
				if m[1] != fmt.Sprint(i+1) || m[2] != fmt.Sprint(c.queries) || m[3] != c.names[0] {
					t.Errorf("head %q", m[1:4])
				}
				if m[8] != sent.Get("nonce") || m[9] != sent.Get("sign") {
					t.Errorf("nonce and sign %q are not those that were sent", m[8:10])
				}
				// Whoever has the ticket can follow the explanation by hand.
				before, ok := strings.CutSuffix(m[5], ticket[:4]+"…")
				if !ok || m[6] != fmt.Sprint(len(ticket)) {
					t.Errorf("the ticket in %q is not masked by its first 4 characters and its length", m[5])
				}
				if sign := fmt.Sprintf("%X", sha1.Sum([]byte(before+ticket+m[7]))); sign != m[9] {
					t.Errorf("the joined text gives the sign %s", sign)
				}
				var names []string
				for line := range strings.Lines(m[4]) {
					_, name, _ := strings.Cut(strings.TrimSpace(line), " ")
					names = append(names, strings.TrimSpace(name[strings.LastIndex(name, "  ")+1:]))
				}
				slices.Sort(names)
				if want := c.names[1:]; !slices.Equal(names, want) {
					t.Errorf("names %q in\n%s", names, m[4])
				}
			}
		})
	}
}

// The tap speaks TLS in the client's place.
func TestExplainOverTLS(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SSL_CERT_FILE is not honoured on " + runtime.GOOS)
	}
	u := newUpstream(t, httptest.NewTLSServer)
	for _, args := range [][]string{{"bankcard", "order1"}, {"bankcard", "order1", "-explain"}} {
		o := u.query(t, []string{trust(t, u)}, args...)
		if o.code != 0 || !strings.Contains(o.stdout, `"code":"0"`) {
			t.Errorf("%q: %d %s%s", args, o.code, o.stdout, o.stderr)
		}
		if n := len(explained.FindAllString(o.stderr, -1)); n != len(args)-2 {
			t.Errorf("%q: %d explanations:\n%s", args, n, o.stderr)
		}
	}
}

func TestMask(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "[0 characters]",
		"short":             "[5 characters]",
		"123456789012345":   "[15 characters]",
		"1234567890123456":  "1234…[16 characters]",
		"FxlAe3HFtEy73Um0p": "FxlA…[17 characters]",
	} {
		if got := mask(text); got != want {
			t.Errorf("%q: %q, expected %q", text, got, want)
		}
	}
}
