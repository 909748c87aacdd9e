package simulator

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// nonceOf fetches a NONCE ticket.
func nonceOf(t *testing.T, s *Simulator, token, userID string) string {
	t.Helper()
	v := ticketValues(token)
	v.Set("type", "NONCE")
	v.Set("user_id", userID)
	a := decode(t, get(s, ticketPath, v))
	wantCode(t, "NONCE", a.code(), "0")
	if a.Tickets[0].ExpireIn != "120" {
		t.Errorf("expire_in %s", a.Tickets[0].ExpireIn)
	}
	return a.Tickets[0].Value
}

// upload uploads for user1 and returns the face id and the domain that goes with it.
func upload(t *testing.T, s *Simulator, path, orderNo, ticket string) (id, domain string) {
	t.Helper()
	a := decode(t, post(s, path, members(path, orderNo, ticket)))
	wantCode(t, path, a.code(), "0")
	for _, name := range []string{"faceId", "h5faceId"} {
		if v, ok := a.Result[name].(string); ok {
			id = v
		}
	}
	domain, _ = a.Result["optimalDomain"].(string)
	return id, domain
}

// start signs what the SDK starts with.
func start(orderNo, faceID, nonceTicket string) Start {
	nonce := randomValue()[:32]
	return Start{AppID: testApp, UserID: "user1", OrderNo: orderNo, Nonce: nonce, Version: "1.0.0", FaceID: faceID,
		Sign: sign(testApp, "user1", "1.0.0", nonce, nonceTicket)}
}

// login is the URL that a browser is sent to.
func login(orderNo, idName, faceID, nonceTicket string) string {
	nonce := randomValue()[:32]
	v := url.Values{"appId": {testApp}, "userId": {"user1"}, "orderNo": {orderNo}, "nonce": {nonce}, "version": {"1.0.0"}, idName: {faceID},
		"sign": {strings.ToLower(sign(testApp, "user1", "1.0.0", nonce, orderNo, faceID, nonceTicket))},
		"url":  {"https://shop.example/back?a=1&b=%20"}, "resultType": {"1"}, "from": {"browser"}, "redirectType": {"1"}}
	return "https://kyc1.qcloud.com" + loginPath + "?" + v.Encode()
}

func TestOCRFlow(t *testing.T) {
	s := newTestSimulator()
	token, ticket := s.Mint(testApp)
	done, err := s.RunOCR(start("order1", "", nonceOf(t, s, token, "user1")))
	if err != nil || done != (Callback{"", "order1", sign(testApp, "order1", ticket)}) {
		t.Errorf("%+v, %v", done, err)
	}
	six := start("order2", "", "")
	six.Sign = sign(testApp, "user1", "1.0.0", six.Nonce, "order2", nonceOf(t, s, token, "user1"))
	done, err = s.RunMiniProgramOCR(six)
	if err != nil || done != (Callback{"0", "order2", sign(testApp, "order2", "0", ticket)}) {
		t.Errorf("%+v, %v", done, err)
	}
	wantViolations(t, s)
}

func TestFaceFlow(t *testing.T) {
	s := newTestSimulator()
	token, ticket := s.Mint(testApp)
	for order, code := range map[string]string{"order1": "0", "mismatch1": "66669004", "thenmismatch1": "66669004", "then1": "0"} {
		id, domain := upload(t, s, sdkUpload, order, ticket)
		if domain != "kyc1.qcloud.com" || len(id) != 30 {
			t.Errorf("%s: face id %s, domain %q", order, id, domain)
		}
		wantCode(t, order+" before", face1(t, s, order, ticket, "").code(), noRecord)
		done, err := s.RunFace(start(order, id, nonceOf(t, s, token, "user1")))
		if err != nil || done != (Callback{code, order, sign(code, testApp, order, ticket)}) {
			t.Errorf("%s: %+v, %v", order, done, err)
		}
		a := face1(t, s, order, ticket, "")
		wantCode(t, order+" after", a.code(), code)
		if a.Result["orderNo"] != order || a.Result["photo"] != nil {
			t.Errorf("%s: %v", order, a.Result)
		}
	}
	wantViolations(t, s)
}

// face1 asks for the verdict, with the wish for files.
func face1(t *testing.T, s *Simulator, orderNo, ticket, files string) answer {
	t.Helper()
	m := members(facePath, orderNo, ticket)
	if files != "" {
		m["getFile"], m["queryVersion"] = files, "1.0"
	}
	return decode(t, post(s, facePath, m))
}

func TestH5Flow(t *testing.T) {
	s := newTestSimulator()
	token, ticket := s.Mint(testApp)
	for path, names := range map[string][2]string{advUpload: {"faceId", "newSignature"}, h5Upload: {"h5faceId", "newSign"}} {
		order := "order" + names[0]
		id, _ := upload(t, s, path, order, ticket)
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, login(order, names[0], id, nonceOf(t, s, token, "user1")), nil)
		r.Header.Set("Cookie", "browsers send what they like")
		s.ServeHTTP(w, r)
		back, err := url.Parse(w.Header().Get("Location"))
		if err != nil || w.Code != http.StatusFound || back.Host != "shop.example" {
			t.Fatalf("HTTP %d to %s: %s", w.Code, back, w.Body)
		}
		v := back.Query()
		if v.Get("a") != "1" || v.Get("b") != " " || v.Get("code") != "0" || v.Get("orderNo") != order || v.Get("h5faceId") != id ||
			v.Get(names[1]) != sign("0", testApp, order, ticket) {
			t.Errorf("callback %v", v)
		}
	}
	if w := get(s, loginPath, nil); !strings.Contains(w.Body.String(), "400101") {
		t.Errorf("without parameters: %s", w.Body)
	}
	wantViolations(t, s)
}

// A NONCE ticket is for one user, once, for two minutes, and no longer than its token.
func TestNonceTicketIsRedeemedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSimulator()
		token, sign := s.Mint(testApp)
		refuses := func(what, code string, st Start) {
			t.Helper()
			_, err := s.RunOCR(st)
			got := ""
			if r, ok := err.(*Refusal); ok {
				got = r.Code
			}
			wantCode(t, what, got, code)
		}
		ticket := nonceOf(t, s, token, "user1")
		refuses("first", "", start("order1", "", ticket))
		refuses("used", "400101", start("order2", "", ticket))

		refuses("of another user", "400101", start("order2", "", nonceOf(t, s, token, "user2")))
		refuses("the SIGN ticket", "400101", start("order2", "", sign))
		refuses("nobody", "400105", Start{})
		refuses("no version", "400502", Start{AppID: testApp})
		same := start("order3", "", nonceOf(t, s, token, "user1"))
		refuses("first", "", same)
		refuses("the same nonce", "400101", same)

		ticket = nonceOf(t, s, token, "user1")
		time.Sleep(nonceTicketLife - tick)
		refuses("just before its end", "", start("order4", "", ticket))
		ticket = nonceOf(t, s, token, "user1")
		time.Sleep(nonceTicketLife)
		refuses("at its end", "400101", start("order5", "", ticket))

		ticket = nonceOf(t, s, token, "user1")
		s.Mint(testApp)
		time.Sleep(time.Minute - tick)
		refuses("before its token dies", "", start("order6", "", ticket))
		ticket = nonceOf(t, s, token, "user1")
		time.Sleep(tick)
		refuses("with its token", "400101", start("order7", "", ticket))
	})
}

// A face id is for its order and user, once, for five minutes, and the client of its product.
func TestFaceIDIsUsedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSimulator()
		token, ticket := s.Mint(testApp)
		refuses := func(what, why string, st Start) {
			t.Helper()
			st.Nonce = randomValue()[:32]
			st.Sign = sign(st.AppID, st.UserID, st.Version, st.Nonce, nonceOf(t, s, token, st.UserID))
			_, err := s.RunFace(st)
			if why == "" && err != nil || why != "" && (err == nil || !strings.Contains(err.Error(), why)) {
				t.Errorf("%s: %v, want %q", what, err, why)
			}
		}
		id, _ := upload(t, s, sdkUpload, "order1", ticket)
		other := start("order1", id, "")
		other.UserID = "user2"
		refuses("another user", "no such face id", other)
		refuses("another order", "no such face id", start("order2", id, ""))
		refuses("no face id", "no such face id", start("order1", "", ""))
		refuses("in time", "", start("order1", id, ""))
		refuses("again", "used before", start("order1", id, ""))

		id, _ = upload(t, s, sdkUpload, "order3", ticket)
		time.Sleep(faceIDLife - tick)
		refuses("just before", "", start("order3", id, ""))
		id, _ = upload(t, s, sdkUpload, "order4", ticket)
		time.Sleep(faceIDLife)
		refuses("too late", "too old", start("order4", id, ""))

		id, _ = upload(t, s, h5Upload, "order5", ticket)
		refuses("of a page, on a phone", "another product", start("order5", id, ""))
		id, _ = upload(t, s, sdkUpload, "order6", ticket)
		if _, err := s.RunH5(login("order6", "faceId", id, nonceOf(t, s, token, "user1"))); err == nil || !strings.Contains(err.Error(), "another product") {
			t.Errorf("of a phone, on a page: %v", err)
		}
		if _, err := s.RunOCR(start("order7", id, nonceOf(t, s, token, "user1"))); err == nil {
			t.Error("a face id started an OCR")
		}
	})
}

// Without a live SIGN ticket, what comes back is not signed.
func TestCallbackWithoutALiveTicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSimulator()
		token, _ := s.Mint(testApp)
		time.Sleep(time.Hour)
		done, err := s.RunOCR(start("order1", "", nonceOf(t, s, token, "user1")))
		if err != nil || done.Sign != "" {
			t.Errorf("%+v, %v", done, err)
		}
		_, newer := s.Mint(testApp)
		done, err = s.RunOCR(start("order2", "", nonceOf(t, s, token, "user1")))
		if err != nil || done.Sign != sign(testApp, "order2", newer) {
			t.Errorf("%+v, %v", done, err)
		}
	})
}

func TestLoginParameters(t *testing.T) {
	s := newTestSimulator()
	token, ticket := s.Mint(testApp)
	id, _ := upload(t, s, h5Upload, "order1", ticket)
	whole := login("order1", "h5faceId", id, nonceOf(t, s, token, "user1"))
	for what, url := range map[string]string{
		"another path":         strings.Replace(whole, "/web/", "/h5/", 1),
		"unknown":              whole + "&x=1",
		"repeated":             whole + "&nonce=1",
		"both names":           whole + "&webankAppId=" + testApp,
		"faceId":               strings.Replace(whole, "h5faceId=", "faceId=", 1),
		"from":                 strings.Replace(whole, "from=browser", "from=there", 1),
		"resultType":           strings.Replace(whole, "resultType=1", "resultType=2", 1),
		"a callback to a path": strings.Replace(whole, "https%3A%2F%2Fshop.example", "", 1),
		"a bad escape":         whole + "&%zz",
	} {
		if back, err := s.RunH5(url); err == nil {
			t.Errorf("%s: sent to %s", what, back)
		}
	}
}
