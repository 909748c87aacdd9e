package signer_test

import (
	"strings"
	"testing"

	"kyc-ocr-relay/signer"
)

func TestVerify(t *testing.T) {
	for _, c := range everyUse {
		for given, want := range map[string]bool{
			c.sign: true, strings.ToLower(c.sign): true, strings.ToLower(c.sign[:len(c.sign)/2]) + c.sign[len(c.sign)/2:]: true,
			"": false, c.sign + "0": false, " " + c.sign: false, strings.Repeat("0", 40): false, "ſ" + c.sign: false,
		} {
			if got := c.use.Verify(c.values, c.ticket, given); got != (want && c.sign != "") {
				t.Errorf("use %d verifies %q: %t", c.use, given, got)
			}
		}
		if c.use.Verify(c.values, c.ticket+"x", c.sign) {
			t.Errorf("use %d verifies with another ticket", c.use)
		}
	}
	failed := signer.Values{AppID: "appId001", OrderNo: "test1480921551481", Code: "1"}
	if signer.Callback.Verify(failed, backTicket, "526365E042766AE27A6E52D2E4829D4C6E156B5D") {
		t.Error("the sign of another code is taken")
	}
}
