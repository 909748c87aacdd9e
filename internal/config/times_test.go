package config

import (
	"strings"
	"testing"
)

// TestTimesThatCannotWork has each bound on both sides.
func TestTimesThatCannotWork(t *testing.T) {
	for _, test := range []struct {
		timeout, refresh, overlap string
		loopback                  bool
		problem                   string // "": none
	}{
		{"5s", "20m", "1m", false, ""},
		{"5s", "40m", "1m", false, ""},
		{"5s", "40m0.1s", "1m", false, "TICKET_REFRESH: must be at most 40m"},
		{"5s", "1h", "1m", false, "TICKET_REFRESH: must be less than the ticket's life"},
		{"5s", "1h", "1m", true, "TICKET_REFRESH: must be less than the ticket's life"},
		{"5s", "20m", "1m1ns", false, "TICKET_OVERLAP: must be at most 1m"},
		{"2s", "20m", "10s", false, ""},
		{"1s", "20m", "9.9s", false, "TICKET_OVERLAP: must be at least 10s"},
		{"12s", "20m", "1m", false, ""},
		{"12.1s", "20m", "1m", false, "TICKET_OVERLAP: must be at least five times KYC_TIMEOUT"},
		{"5s", "20m", "24.9s", false, "TICKET_OVERLAP: must be at least five times KYC_TIMEOUT"},
		{"5s", "5m", "1m", false, ""},
		{"5s", "4m59s", "1m", false, "TICKET_REFRESH: must be at least five times TICKET_OVERLAP"},
		{"5s", "1m", "1m", false, "TICKET_OVERLAP: must be less than TICKET_REFRESH"},
		{"5s", "1m", "1m", true, "TICKET_OVERLAP: must be less than TICKET_REFRESH"},
		{"1s", "3s", "1s", true, ""}, // a simulated upstream, with time scaled down
	} {
		values := map[string]string{
			"KYC_APPS": "IDA1:canary", "CALLER_AUTH": "none",
			"KYC_TIMEOUT": test.timeout, "TICKET_REFRESH": test.refresh, "TICKET_OVERLAP": test.overlap,
		}
		if test.loopback {
			values["KYC_BASE_URL"] = "http://127.0.0.1:8080"
		}
		_, err := Parse(values)
		switch {
		case test.problem == "" && err != nil:
			t.Errorf("%+v: %v", test, err)
		case test.problem != "" && (err == nil || !strings.HasPrefix(err.Error(), test.problem) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%+v: %v", test, err)
		}
	}
}
