package simulator

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Each mistake is refused and written down once.
func TestParameterViolations(t *testing.T) {
	for _, c := range []struct {
		name, path string
		change     func(url.Values)
		code       string
		want       []string
	}{
		{"unknown", bankPath, func(v url.Values) { v.Set("openId", "1") }, "400101", []string{bankPath + `: unknown parameter "openId"`}},
		{"get_native on a bank card", bankPath, func(v url.Values) { v.Set("get_native", "1") }, "400101", []string{`unknown parameter "get_native"`}},
		{"camel case", tokenPath, func(v url.Values) { v["appId"] = v["app_id"]; v.Del("app_id") }, "400101",
			[]string{`unknown parameter "appId"`, "missing parameter app_id"}},
		{"repeated", idPath, func(v url.Values) { v.Add("order_no", "order2") }, "400101", []string{idPath + ": repeated parameter order_no"}},
		{"missing", ticketPath, func(v url.Values) { v.Del("type") }, "400101", []string{ticketPath + ": missing parameter type"}},
		{"empty", bankPath, func(v url.Values) { v.Set("sign", "") }, "400101", []string{"missing parameter sign"}},
		{"grant_type", tokenPath, func(v url.Values) { v.Set("grant_type", "password") }, "400101", []string{"grant_type is not client_credential"}},
		{"version", idPath, func(v url.Values) { v.Set("version", "1.0") }, "400502", []string{"version is not 1.0.0"}},
		{"type", ticketPath, func(v url.Values) { v.Set("type", "sign") }, "400101", []string{"type is not SIGN or NONCE"}},
		{"user_id with SIGN", ticketPath, func(v url.Values) { v.Set("user_id", "u") }, "400101", []string{"unknown parameter user_id for type SIGN"}},
		{"NONCE without user_id", ticketPath, func(v url.Values) { v.Set("type", "NONCE") }, "400101", []string{"missing parameter user_id for type NONCE"}},
		{"long user_id", ticketPath, func(v url.Values) { v.Set("type", "NONCE"); v.Set("user_id", strings.Repeat("u", 33)) }, "66660000", []string{"user_id is longer than 32 bytes"}},
		{"long order_no", bankPath, func(v url.Values) { v.Set("order_no", strings.Repeat("1", 33)) }, "66660000", []string{"order_no is longer than 32 bytes"}},
		{"order_no", bankPath, func(v url.Values) { v.Set("order_no", "a-1") }, "400101", []string{"order_no is not made of letters and digits"}},
		{"short nonce", bankPath, func(v url.Values) { v.Set("nonce", "short") }, "400101", []string{"nonce is not 32 letters and digits"}},
		{"nonce with signs", bankPath, func(v url.Values) { v.Set("nonce", strings.Repeat("-", 32)) }, "400101", []string{"nonce is not 32 letters and digits"}},
		{"sign", bankPath, func(v url.Values) { v.Set("sign", "zz") }, "400101", []string{"sign is not 40 hex digits"}},
		{"get_file", bankPath, func(v url.Values) { v.Set("get_file", "true") }, "400101", []string{"get_file is not 1, the only value documented"}},
		{"nobody", bankPath, func(v url.Values) { v.Set("app_id", "nobody") }, "400105", nil},
		{"wrong secret", tokenPath, func(v url.Values) { v.Set("secret", "wrong") }, "400105", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newTestSimulator()
			token, ticket := s.Mint(testApp)
			v := queryValues("order1", ticket)
			switch c.path {
			case tokenPath:
				v = tokenValues(testSecret)
			case ticketPath:
				v = ticketValues(token)
			}
			c.change(v)
			wantCode(t, c.name, decode(t, get(s, c.path, v)).code(), c.code)
			wantViolations(t, s, c.want...)
		})
	}
}

func TestMessageViolations(t *testing.T) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	send := func(method, path, body string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path+"?"+queryValues("order1", ticket).Encode(), strings.NewReader(body))
		r.Header.Set("User-Agent", "tests")
		for _, h := range header {
			r.Header.Set(h, "a value that must not be printed")
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	send(http.MethodPost, bankPath, "")
	send(http.MethodGet, bankPath, "{}")
	send(http.MethodGet, bankPath, "", "Authorization", "Cookie", "X-Scf-Request-Id")
	if w := send(http.MethodGet, "/api/server/other", ""); w.Code != http.StatusNotFound || !strings.Contains(w.Header().Get("Content-Type"), "html") {
		t.Errorf("unknown path: HTTP %d %s", w.Code, w.Header())
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL = &url.URL{Path: tokenPath, RawQuery: "app_id=%zz"}
	s.ServeHTTP(httptest.NewRecorder(), r)
	wantViolations(t, s,
		"POST "+bankPath+": wrong method, GET expected",
		": a body was sent",
		": unexpected header Authorization", ": unexpected header Cookie", ": unexpected header X-Scf-Request-Id",
		`GET "/api/server/other": no such path`,
		": malformed query", "missing parameter app_id", "missing parameter secret", "missing parameter grant_type", "missing parameter version")
	for _, v := range s.Violations() {
		if strings.Contains(v, "a value") || strings.Contains(v, ticket) {
			t.Errorf("a value is printed: %s", v)
		}
	}
}

func TestReplayedNonce(t *testing.T) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	v := queryValues("order1", ticket)
	wantCode(t, "first", decode(t, get(s, bankPath, v)).code(), "0")
	wantCode(t, "second", decode(t, get(s, bankPath, v)).code(), "400101")
	s.Mint(testApp) // the first ticket still lives
	wantCode(t, "after a renewal", decode(t, get(s, idPath, v)).code(), "400101")
	wantViolations(t, s, bankPath+": replayed nonce", idPath+": replayed nonce")
}

// A client that is refused signs anew, with a new nonce.
func TestNonceReusedAfterRefusal(t *testing.T) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	s.Void(testApp)
	v := queryValues("order1", ticket)
	wantCode(t, "dead ticket", decode(t, get(s, bankPath, v)).code(), "400101")
	_, ticket = s.Mint(testApp)
	v.Set("sign", sign(testApp, "order1", "1.0.0", v.Get("nonce"), ticket))
	wantCode(t, "same nonce", decode(t, get(s, bankPath, v)).code(), "400101")
	wantViolations(t, s, "replayed nonce")
}

// Nonces are forgotten with the tickets that they could be replayed under.
func TestNoncesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSimulator()
		for range 50 {
			_, ticket := s.Mint(testApp)
			query(t, s, bankPath, "order1", ticket, false)
			time.Sleep(20 * time.Minute)
		}
		if n := len(s.accounts[testApp].eras); n > 3 {
			t.Errorf("%d eras of nonces are remembered", n)
		}
		wantViolations(t, s)
	})
}

func TestSignInEitherCase(t *testing.T) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	v := queryValues("order1", ticket)
	v.Set("sign", strings.ToLower(v.Get("sign")))
	wantCode(t, "lower case", decode(t, get(s, bankPath, v)).code(), "0")
}

// Two calls at once break a rule for tokens and SIGN tickets, not for NONCE
// tickets, and not after the client gave the first one up.
func TestConcurrentFetches(t *testing.T) {
	s := newTestSimulator()
	token, _ := s.Mint(testApp)
	sign := ticketValues(token)
	nonce := ticketValues(token)
	nonce.Set("type", "NONCE")
	nonce.Set("user_id", "u")
	for _, c := range []struct {
		path string
		v    url.Values
		want []string
	}{
		{tokenPath, tokenValues(testSecret), []string{"a token call began while another of the same app_id was being answered"}},
		{ticketPath, sign, []string{"a ticket call began while another of the same app_id was being answered"}},
		{ticketPath, nonce, nil},
	} {
		s.mu.Lock()
		s.violations = nil
		s.mu.Unlock()
		first := true
		s.Intercept(func(http.ResponseWriter, *http.Request, Call) bool {
			if first {
				first = false
				get(s, c.path, c.v)
			}
			return false
		})
		get(s, c.path, c.v)
		s.Intercept(nil)
		get(s, c.path, c.v) // alone
		wantViolations(t, s, c.want...)
	}
}

func TestAbandonedFetch(t *testing.T) {
	s := newTestSimulator()
	left := httptest.NewRequest(http.MethodGet, tokenPath+"?"+tokenValues(testSecret).Encode(), nil)
	q := s.receive(left.WithContext(cancelled(t)), endpoints[tokenPath], nil)
	get(s, tokenPath, tokenValues(testSecret))
	s.done(q)
	wantViolations(t, s)
}

func TestIntercept(t *testing.T) {
	s := newTestSimulator()
	token, ticket := s.Mint(testApp)
	var calls []Call
	s.Intercept(func(w http.ResponseWriter, r *http.Request, c Call) bool {
		calls = append(calls, c)
		w.WriteHeader(http.StatusTeapot)
		return true
	})
	v := queryValues("order1", ticket)
	v.Set("extra", "1")
	for _, w := range []*httptest.ResponseRecorder{
		get(s, tokenPath, tokenValues(testSecret)), get(s, ticketPath, ticketValues(token)), get(s, bankPath, v),
	} {
		if w.Code != http.StatusTeapot {
			t.Errorf("HTTP %d", w.Code)
		}
	}
	if fmt.Sprint(calls) != "[token ticket result]" {
		t.Errorf("calls %v", calls)
	}
	wantViolations(t, s, `unknown parameter "extra"`) // judged all the same
	s.Intercept(nil)
	wantCode(t, "afterwards", query(t, s, bankPath, "order1", ticket, false).code(), "0")
}

func TestViolationsAreBounded(t *testing.T) {
	s := newTestSimulator()
	for range maxViolations + 10 {
		get(s, "/nowhere", nil)
	}
	if n := len(s.Violations()); n != maxViolations+1 {
		t.Errorf("%d violations kept", n)
	}
}

// For the race detector.
func TestConcurrentUse(t *testing.T) {
	s := newTestSimulator()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 20 {
				_, ticket := s.Mint(testApp)
				query(t, s, bankPath, fmt.Sprintf("transient%d", i), ticket, true)
				s.Counts(testApp)
				s.Violations()
			}
		})
	}
	wg.Wait()
	wantViolations(t, s)
}

func TestNewNeedsApps(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("New accepted a Config without apps")
		}
	}()
	New(Config{})
}
