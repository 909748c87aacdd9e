package main

import (
	"strings"
	"testing"
)

// The page is for this machine alone, and says what is wrong with an address.
func TestListenHere(t *testing.T) {
	taken, err := listenHere(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for address, want := range map[string]string{
		"0.0.0.0:8080":          "for this machine alone",
		":8080":                 "for this machine alone",
		"192.168.0.2:8080":      "for this machine alone",
		"[::]:8080":             "for this machine alone",
		"example.com:8080":      "for this machine alone",
		"8080":                  "such as 127.0.0.1:8080",
		taken.Addr().String():   "leave -listen out",
		"127.0.0.1:http-at-no":  "leave -listen out",
		"localhost:99999999999": "leave -listen out",
	} {
		listener, err := listenHere(t.Context(), address)
		if err == nil {
			listener.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "-listen") {
			t.Errorf("%s: %v", address, err)
		}
	}
	other, err := listenHere(t.Context(), "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
}
