package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// Every path of a POST can be refused, spoilt and delayed by the order number.
func TestFaultsOfEveryPost(t *testing.T) {
	for _, path := range postPaths() {
		s := newTestSimulator()
		_, ticket := s.Mint(testApp)
		for order, want := range map[string]string{"throttled1": "400501", "forbidden1": "400104", "rejected1": "400101", "down1": "999999",
			"toolong1": "66660000", "unknown1": "66669999", "number1": "0", "nocode1": ""} {
			wantCode(t, path+" "+order, decode(t, post(s, path, members(path, order, ticket))).code(), want)
		}
		for _, want := range []string{"999999", "999999", "0"} {
			wantCode(t, path+" transient1", decode(t, post(s, path, members(path, "transient1", ticket))).code(), want)
		}
		for order, want := range map[string]int{"html1": http.StatusOK, "cut1": http.StatusOK, "empty1": http.StatusOK,
			"badgateway1": http.StatusBadGateway, "redirect1": http.StatusFound} {
			if w := post(s, path, members(path, order, ticket)); w.Code != want || json.Valid(w.Body.Bytes()) {
				t.Errorf("%s %s: HTTP %d", path, order, w.Code)
			}
		}
		wantViolations(t, s)
	}
}

func TestSlowPosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSimulator()
		_, ticket := s.Mint(testApp)
		for i, path := range postPaths() {
			start := time.Now()
			order := fmt.Sprintf("slow%d", i)
			wantCode(t, path, decode(t, post(s, path, members(path, order, ticket))).code(), "0")
			if took := time.Since(start); took != 10*time.Second {
				t.Errorf("%s took %v", path, took)
			}
		}
	})
}
