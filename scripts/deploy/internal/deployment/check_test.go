package deployment

import (
	"bytes"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/archive"
	settings "kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/internal/ticket"
)

// checked runs a check in the world, after change, and compares what it prints.
func (w *world) checked(golden string, good bool, c Check) {
	w.Helper()
	var out bytes.Buffer
	c.Out = &out
	if got := c.Run(w.Context()); got != good {
		w.Errorf("%s: it says %v", golden, got)
	}
	w.out.Write(out.Bytes())
	text := reason.ReplaceAllString(out.String(), "x509: REASON\n")
	text = elapsed.ReplaceAllString(text, "${1}0s${2}")
	w.golden("check-"+golden, port.ReplaceAllString(text, "127.0.0.1:PORT"))
}

var (
	elapsed = regexp.MustCompile(`(are |pair, )\d+s( apart| old)`)
	reason  = regexp.MustCompile(`x509: .*\n`) // in the system's words
	port    = regexp.MustCompile(`127\.0\.0\.1:\d+`)
)

func TestCheck(t *testing.T) {
	w := newWorld(t)
	upstream := simulator.New(simulator.Config{Apps: map[string]string{"IDA1": "CANARY-app-secret"}})
	server := httptest.NewServer(upstream)
	defer server.Close()
	base := "KYC_BASE_URL=" + server.URL
	minted := func() int { return upstream.Counts("IDA1").Tokens }
	with := func(pairs ...string) Check {
		return Check{
			Account: w.account(), Name: "relay", Kind: archive.Event, EventURL: true,
			Environment: wanted(archive.Event, "", append([]string{base}, pairs...)...).Environment,
		}
	}

	c := with("TICKET_STORE=memory")
	w.checked("not-deployed", true, c)
	w.deploy(wanted(archive.Event, "one"))
	w.checked("memory", true, c)
	if minted() != 0 {
		t.Errorf("%d tokens were fetched without -mint", minted())
	}
	c.Mint = true
	w.checked("mint", true, c)
	if minted() != 1 {
		t.Errorf("%d tokens were fetched with -mint", minted())
	}
	c.Environment.Values["KYC_SECRET"] = "CANARY-wrong"
	w.checked("wrong-secret", false, c)

	// Where instances share the pair, it is looked up, and fetched once at most.
	var store ticket.Memory
	shared := with("TICKET_STORE=rediss://u:CANARY-password@h")
	shared.OpenStore = func(settings.Location, role.Source) (ticket.Store, error) { return &store, nil }
	before := minted()
	w.checked("shared-fetched", true, shared)
	w.checked("shared", true, shared)
	if n := minted() - before; n != 1 {
		t.Errorf("%d tokens were fetched", n)
	}

	// Nothing is right.
	bad := Check{
		Account: Account{SecretID: "AKIDtest", SecretKey: secret.New("CANARY-other"), Region: "ap-guangzhou", Endpoint: w.url},
		Name:    "relay", Kind: archive.Event, EventURL: true, Environment: wanted(archive.Event, "", "SECRET_SOURCE=ssm://ap-guangzhou/kyc?endpoint="+w.url).Environment,
	}
	w.checked("credentials", false, bad)
	bad.Account = Account{}
	w.checked("no-credentials", false, bad)
	bad.Account, bad.Role = w.account(), "Missing"
	w.checked("no-secret-no-role", false, bad)
	w.cloud.PutSecret("kyc", "", `{"KYC_BASE_URL":"`+server.URL+`"}`)
	bad.Role = "KycRelay"
	bad.Environment.Values["TICKET_STORE"] = "file:///tmp/x"
	w.checked("secret-source", true, bad)
	w.cloud.Fail("GetRole", "UnauthorizedOperation", 1)
	w.cloud.Fail("ListTriggers", "UnauthorizedOperation", 1)
	bad.Environment.Values["LOG_LEVEL"] = "CANARY"
	w.checked("no-permission", false, bad)
}

func TestCheckBaseURL(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	c := Check{Account: w.account(), Name: "relay", Kind: archive.Event, Environment: wanted(archive.Event, "", "TICKET_STORE=memory", "KYC_BASE_URL="+server.URL).Environment}
	w.checked("certificate", false, c)
	c.Roots = x509.NewCertPool()
	c.Roots.AddCert(server.Certificate())
	w.checked("tls", true, c)
	server.Close()
	w.checked("no-tls", false, c)
	c.Environment.Values["KYC_BASE_URL"] = "https://" + strings.Repeat("x", 64) + ".invalid" // no DNS server is asked for such a label
	w.checked("dns", false, c)
}
