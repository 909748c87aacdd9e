package config

import (
	"strings"
	"testing"
)

func TestIsSecret(t *testing.T) {
	for path, want := range map[string]bool{
		"/kyc": true, "/K-y_c0": true, "/kyc@v1.2": true, "/k@v": true,
		"/" + strings.Repeat("k", 128): true, "/kyc@" + strings.Repeat("v", 64): true,
		"": false, "/": false, "kyc": false, "//kyc": false, "/-kyc": false, "/_": false, "/k.c": false, "/k/c": false,
		"/kyc\n": false, "/ключ": false, "/k\xff": false,
		"/" + strings.Repeat("k", 129): false, "/kyc@" + strings.Repeat("v", 65): false,
		"/kyc@": false, "/@v": false, "/kyc@.v": false, "/kyc@v@w": false, "/kyc@v ": false,
	} {
		if got := isSecret(path); got != want {
			t.Errorf("isSecret(%q) = %v, want %v", path, got, want)
		}
	}
}
