//go:build !race

package signer_test

import (
	"testing"

	"kyc-ocr-relay/signer"
)

func TestAllocations(t *testing.T) {
	v := vectors[0].values
	if n := testing.AllocsPerRun(100, func() { signer.Sign(v[0], v[1], v[2], v[3], v[4]) }); n > 1 {
		t.Errorf("Sign allocates %v times, want the result alone", n)
	}
	if n := testing.AllocsPerRun(100, func() { signer.Nonce() }); n > 1 {
		t.Errorf("Nonce allocates %v times, want the result alone", n)
	}
}
