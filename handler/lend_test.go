package handler

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/signer"
)

const phpToken = "token-of-php-0123456789"

// newLender returns a function with a caller that may have tickets, one that may not, and one that
// may have those of another app.
func newLender(t *testing.T) (*simulator.Simulator, *rotating) {
	t.Helper()
	sim, network := vendor(t)
	f := newRotating(t, network, nil)
	f.callers = []config.Caller{
		{Name: "php", Token: secret.New(phpToken), Scopes: []config.Scope{config.Ticket, config.OCR}},
		{Name: "alice", Token: secret.New(goodToken)},
		{Name: "other", Token: secret.New("token-of-other-0123456789"), Scopes: []config.Scope{config.Ticket}, Apps: []string{"IDA2"}},
	}
	return sim, f
}

// lent is an answer of the vendor's token endpoints.
type lent struct {
	Code, Msg, TransactionTime string
	AccessToken                string `json:"access_token"`
	ExpireIn                   string `json:"expire_in"`
	ExpireTime                 string `json:"expire_time"`
	Tickets                    []struct{ Value, Expire_In, Expire_Time string }
}

func (f *rotating) lent(t *testing.T, target string) lent {
	t.Helper()
	return into[lent](t, get(f.Handler, target, nil))
}

// server is one that was written for the vendor: it knows a base URL, an app and a secret.
type server struct {
	token, ticket string
	ends          time.Time
}

func (s *server) fetch(t *testing.T, f *rotating) {
	t.Helper()
	token := f.lent(t, "/api/oauth2/access_token?app_id=IDA1&secret="+phpToken+"&grant_type=client_credential&version=1.0.0")
	ticket := f.lent(t, "/api/oauth2/api_ticket?app_id=IDA1&access_token="+token.AccessToken+"&type=SIGN&version=1.0.0")
	if token.Code != "0" || ticket.Code != "0" || len(ticket.Tickets) != 1 {
		t.Fatalf("%+v, %+v", token, ticket)
	}
	life, err := strconv.Atoi(ticket.Tickets[0].Expire_In)
	if err != nil {
		t.Fatal(err)
	}
	*s = server{token.AccessToken, ticket.Tickets[0].Value, time.Now().Add(time.Duration(life) * time.Second)}
}

// result asks for a result with a sign of its own.
func (s *server) query(order string) string {
	nonce := signer.Nonce()
	return "/api/server/getBankCardOcrResult?app_id=IDA1&order_no=" + order + "&nonce=" + nonce + "&version=1.0.0&sign=" +
		signer.Sign("IDA1", order, "1.0.0", nonce, s.ticket)
}

// A server that was written for the vendor keeps its code: it works through the relay, and straight
// with the vendor, as long as it heeds expire_in.
func TestServerThatSignsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, f := newLender(t)
		var s server
		for range 500 {
			if !time.Now().Before(s.ends) {
				s.fetch(t, f)
			}
			straight := httptest.NewRecorder()
			sim.ServeHTTP(straight, httptest.NewRequest(http.MethodGet, s.query("order1"), nil))
			if into[struct{ Code string }](t, straight).Code != "0" {
				t.Fatalf("straight: %s", straight.Body)
			}
			if w := get(f.Handler, s.query("order1"), nil); w.Code != 200 {
				t.Fatalf("through the relay: %d %s", w.Code, w.Body)
			}
			time.Sleep(17 * time.Second)
		}
		if n := len(sim.Mints("IDA1")); n != 8 { // 142 minutes
			t.Errorf("%d mints", n)
		}
	})
}

// A server that keeps what it has for 20 minutes by its own clock works through the relay alone: its
// sign counts for as long as that.
func TestServerThatHeedsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, f := newLender(t)
		var s server
		var fetched time.Time
		for range 500 {
			if time.Since(fetched) >= 20*time.Minute {
				s.fetch(t, f)
				fetched = time.Now()
				time.Sleep(time.Second)
			}
			if w := get(f.Handler, s.query("order1"), nil); w.Code != 200 {
				t.Fatalf("%v: %d %s", time.Since(fetched), w.Code, w.Body)
			}
			time.Sleep(17 * time.Second)
		}
		if n := len(sim.Mints("IDA1")); n != 8 {
			t.Errorf("%d mints", n)
		}
	})
}

func TestLentInTheVendorsForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, f := newLender(t)
		token := f.lent(t, "/api/oauth2/access_token?appId=IDA1&secret="+phpToken)
		if token.ExpireIn != "1200" || token.Msg != "请求成功" || token.ExpireTime != time.Now().Add(20*time.Minute).In(time.FixedZone("UTC+8", 8*60*60)).Format("20060102150405") {
			t.Errorf("%+v", token)
		}
		time.Sleep(5 * time.Minute)
		bearer := http.Header{"Authorization": {"Bearer " + phpToken}}
		ticket := into[lent](t, get(f.Handler, "/api/oauth2/api_ticket?type=SIGN", bearer))
		if len(ticket.Tickets) != 1 || ticket.Tickets[0].Expire_In != "900" {
			t.Errorf("%+v", ticket)
		}
		nonce := f.lent(t, "/api/oauth2/api_ticket?appId=IDA1&access_token="+token.AccessToken+"&type=NONCE&user_id=user1")
		if len(nonce.Tickets) != 1 || nonce.Tickets[0].Expire_In != "120" || nonce.Tickets[0].Value == ticket.Tickets[0].Value {
			t.Errorf("%+v", nonce)
		}
		health := get(f.Handler, "/healthz", nil).Body.String()
		for _, want := range []string{
			`{"caller":"php","app_id":"IDA1","kind":"token","ago":300,"age":0}`, `{"caller":"php","app_id":"IDA1","kind":"sign","ago":0,"age":300}`,
			`{"caller":"holder","app_id":"IDA1","kind":"nonce","ago":0,"age":0}`,
		} {
			if !strings.Contains(health, want) {
				t.Errorf("no %s in %s", want, health)
			}
		}
		if line := f.log.String(); !strings.Contains(line, `"product":"sign"`) || !strings.Contains(line, `"pair_age_s":300`) ||
			strings.Contains(line+health, token.AccessToken) || strings.Contains(line+health, ticket.Tickets[0].Value) || strings.Contains(line, phpToken) {
			t.Errorf("log %s", line)
		}
		// The previous token is good for a ticket, too, as long as one may still send it.
		time.Sleep(15 * time.Minute)
		get(f.Handler, "/api/oauth2/access_token?secret="+phpToken, nil)
		if again := f.lent(t, "/api/oauth2/api_ticket?app_id=IDA1&access_token="+token.AccessToken+"&type=SIGN"); again.Code != "0" || again.Tickets[0].Value == ticket.Tickets[0].Value {
			t.Errorf("%+v", again)
		}
	})
}

func TestNothingIsLent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, f := newLender(t)
		for target, want := range map[string]string{
			"/api/oauth2/access_token?app_id=IDA1&secret=wrong":                        "200 400105",
			"/api/oauth2/access_token?app_id=IDA9&secret=" + phpToken:                  "200 400105",
			"/api/oauth2/access_token?app_id=IDA1":                                     "401 AuthFailure",
			"/api/oauth2/access_token?app_id=IDA1&secret=":                             "401 AuthFailure",
			"/api/oauth2/access_token?secret=a&secret=" + phpToken:                     "200 400101",
			"/api/oauth2/access_token?app_id=IDA1&secret=" + goodToken:                 "403 UnauthorizedOperation",
			"/api/oauth2/access_token?app_id=IDA1&secret=token-of-other-0123456789":    "403 UnauthorizedOperation",
			"/api/oauth2/api_ticket?app_id=IDA1&access_token=wrong&type=SIGN":          "200 400102",
			"/api/oauth2/api_ticket?app_id=IDA1&type=SIGN":                             "401 AuthFailure",
			"/api/oauth2/api_ticket?app_id=IDA1&secret=" + phpToken:                    "200 400101",
			"/api/oauth2/api_ticket?app_id=IDA1&type=NONCE&secret=" + phpToken:         "200 400101",
			"/api/server/getBankCardOcrResult?app_id=IDA1&order_no=o1&nonce=n&sign=AB": "401 AuthFailure",
			"/ocr/bankcard/o1?secret=" + phpToken:                                      "401 AuthFailure",
		} {
			w := get(f.Handler, target, nil)
			var body struct{ Code string }
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || strconv.Itoa(w.Code)+" "+body.Code != want {
				t.Errorf("%s: %d %s, want %s", target, w.Code, w.Body, want)
			}
		}
		if n := len(sim.Mints("IDA1")); n != 0 {
			t.Errorf("%d mints for nobody", n)
		}
		if log := f.log.String(); strings.Contains(log, "secret=") || strings.Contains(log, phpToken) || strings.Contains(log, goodToken) {
			t.Errorf("log %s", log)
		}
	})
}

// Nobody renews by asking; rotate renews what is still in force, once.
func TestRotateRenewsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, f := newLender(t)
		ask := "/api/oauth2/access_token?secret=" + phpToken
		first := f.lent(t, ask)
		for range 100 {
			if again := f.lent(t, ask); again.AccessToken != first.AccessToken {
				t.Fatal("renewed for asking")
			}
		}
		time.Sleep(time.Minute)
		second := f.lent(t, ask+"&rotate="+url.QueryEscape(first.AccessToken))
		third := f.lent(t, ask+"&rotate="+url.QueryEscape(first.AccessToken))
		fourth := f.lent(t, ask+"&rotate="+url.QueryEscape(second.AccessToken)) // too soon
		if second.AccessToken == first.AccessToken || third.AccessToken != second.AccessToken || fourth.AccessToken != second.AccessToken {
			t.Errorf("%v %v %v", second, third, fourth)
		}
		if n := len(sim.Mints("IDA1")); n != 2 {
			t.Errorf("%d mints", n)
		}
	})
}
