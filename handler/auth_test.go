package handler

import (
	"strings"
	"testing"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/order"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/secret"
)

func TestAuthenticate(t *testing.T) {
	const alice, bob = "token-of-alice-0123456789", "token-of-bob-0123456789"
	r := relay.New(relay.Config{Callers: []config.Caller{{Name: "alice", Token: secret.New(alice)}, {Name: "bob", Token: secret.New(bob)}, {Name: "bob2", Token: secret.New("another-of-bob-0123456789")}}})
	for _, c := range []struct {
		name   string
		header []string
		caller string
	}{
		{"the first", []string{"Bearer " + alice}, "alice"},
		{"another", []string{"Bearer " + bob}, "bob"},
		{"one that is rotated in", []string{"Bearer another-of-bob-0123456789"}, "bob2"},
		{"a scheme in small letters", []string{"bearer " + alice}, "alice"},
		{"a scheme in capitals", []string{"BEARER " + alice}, "alice"},
		{"spaces around the token", []string{"Bearer   " + alice + " "}, "alice"},
		{"nothing", nil, ""},
		{"an empty header", []string{""}, ""},
		{"a scheme alone", []string{"Bearer"}, ""},
		{"an empty token", []string{"Bearer "}, ""},
		{"two headers", []string{"Bearer " + alice, "Bearer " + alice}, ""},
		{"two in one", []string{"Bearer " + alice + ",Bearer " + alice}, ""},
		{"a token alone", []string{alice}, ""},
		{"another scheme", []string{"Basic " + alice}, ""},
		{"a scheme that begins alike", []string{"Bearers " + alice}, ""},
		{"a colon", []string{"Bearer: " + alice}, ""},
		{"a tab", []string{"Bearer\t" + alice}, ""},
		{"a space in front", []string{" Bearer " + alice}, ""},
		{"the start of a token", []string{"Bearer " + alice[:len(alice)-1]}, ""},
		{"a token and more", []string{"Bearer " + alice + "x"}, ""},
		{"a token in another case", []string{"Bearer " + strings.ToUpper(alice)}, ""},
		{"two tokens", []string{"Bearer " + alice + " " + bob}, ""},
		{"a NUL behind", []string{"Bearer " + alice + "\x00"}, ""},
	} {
		caller := callerOf(r, c.header)
		if (caller != nil) != (c.caller != "") || caller != nil && caller.Name != c.caller {
			t.Errorf("%s: got %+v", c.name, caller)
		}
	}
}

func TestNobodyIsACallerWhereThereAreNone(t *testing.T) {
	for _, header := range [][]string{nil, {"Bearer "}, {"Bearer x"}} {
		if callerOf(relay.New(relay.Config{}), header) != nil {
			t.Errorf("%q was let in", header)
		}
		if caller := callerOf(relay.New(relay.Config{NoAuth: true}), header); caller == nil || caller.Name != "" {
			t.Errorf("%q was not let in, or got a name: %v", header, caller)
		}
	}
}

func TestRequestID(t *testing.T) {
	for id, keeps := range map[string]bool{
		"9c0db5e1-0b6c-4ed6-a7e2-621d5c97ecf3": true, "A_b-9": true, strings.Repeat("a", 128): true,
		"": false, strings.Repeat("a", 129): false, "a b": false, "a\r\nX-Injected: 1": false, "a\"b": false, "卡": false, "<b>": false, "a.b": false,
	} {
		got := requestID(id)
		if (got == id) != keeps {
			t.Errorf("requestID(%q) = %q", id, got)
		}
		if !keeps && (len(got) < 20 || requestID(got) != got || requestID(id) == got) {
			t.Errorf("requestID(%q) = %q is not fresh", id, got)
		}
	}
}

func TestOrderHash(t *testing.T) {
	if order.Hash("") != "" {
		t.Error("nothing has a hash")
	}
	a, b := order.Hash("order1"), order.Hash("order2")
	if a == b || len(a) != 12 || a != order.Hash("order1") || strings.Contains(a, "order") {
		t.Errorf("got %q and %q", a, b)
	}
}
