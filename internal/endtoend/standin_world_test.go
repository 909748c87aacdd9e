package endtoend

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// fetcher returns a GET at a base URL as curl sends it, of which the client looks at the body alone.
func fetcher(t *testing.T, base string) func(target string) []byte {
	return func(target string) []byte { return sent(t, http.MethodGet, base+target, "") }
}

func sent(t *testing.T, method, url, body string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		request.Body, request.ContentLength = nil, 0
	} else {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("User-Agent", "curl/8.5.0")
	request.Header.Set("Accept", "*/*")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return answer
}

// The stand-ins with the built function over real HTTP, straight to the vendor and through the
// drop-in paths: GET and POST, and a NONCE ticket.
func TestServersThatSignThemselves(t *testing.T) {
	through(t, func(t *testing.T, over transport) {
		var vendor string
		w := open(t, over, setting{
			env: map[string]string{
				"CALLER_TOKENS": "alice:" + aliceToken + ",php:" + phpToken,
				"CALLER_SCOPES": "php:ticket",
				"KYC_APPS":      "",
			},
			serve: func(s *httptest.Server) { s.Start(); vendor = s.URL },
		})
		straight, relay := fetcher(t, vendor), fetcher(t, w.url)
		for name, k := range map[string]keeps{"heeds": heeds, "clock": fixedClock(20 * time.Minute), "asks": asksAtEveryCall} {
			for where, results := range map[string]func(string) []byte{"vendor": straight, "relay": relay} {
				s := &standIn{secret: phpToken, credentials: relay, results: results, keeps: k}
				for n := range 3 {
					if !s.query(fmt.Sprint(name, where, n)) {
						t.Errorf("%s, straight to the %s: query %d failed", name, where, n)
					}
				}
			}
		}

		s := &standIn{secret: phpToken, credentials: relay, results: relay, keeps: heeds}
		s.signed("any") // has a ticket now
		nonce := hexDigits(16)
		body, _ := json.Marshal(map[string]string{ // text does not fail
			"appId": firstApp, "orderNo": "posted1", "nonce": nonce, "version": "1.0.0",
			"sign": joinedSHA1(firstApp, "posted1", nonce, "1.0.0", s.ticket.value),
		})
		posted := sent(t, http.MethodPost, w.url+"/api/v2/base/queryfacerecord?orderNo=posted1", string(body))
		if !bytes.HasPrefix(posted, []byte(`{"code":"0"`)) {
			t.Errorf("a POST that is signed by the server: %.300s", posted)
		}
		forged := bytes.Replace(body, []byte("posted1"), []byte("posted2"), 1)
		if refused := sent(t, http.MethodPost, w.url+"/api/v2/base/queryfacerecord?orderNo=posted2", string(forged)); !bytes.Contains(refused, []byte("AuthFailure")) {
			t.Errorf("the sign of another order: %.300s", refused)
		}
		asked := relay("/api/oauth2/api_ticket?app_id=" + firstApp + "&access_token=" + s.token.value + "&type=NONCE&version=1.0.0&user_id=user1")
		if !bytes.Contains(asked, []byte(`"expire_in":"120"`)) || bytes.Contains(asked, []byte(s.ticket.value)) {
			t.Errorf("a NONCE ticket: %.300s", asked)
		}
		if n := len(w.sim.Mints(firstApp)); n != 1 {
			t.Errorf("%d mints", n)
		}
		health := string(relay("/healthz"))
		for _, want := range []string{`"caller":"php","app_id":"` + firstApp + `","kind":"token"`, `"caller":"holder","app_id":"` + firstApp + `","kind":"nonce"`} {
			if !strings.Contains(health, want) {
				t.Errorf("no %s in %s", want, health)
			}
		}
		logged := w.log.String()
		for _, want := range []string{`"route":"token"`, `"route":"ticket"`, `"caller":"php"`, `"caller":"holder"`, `"product":"sign"`} {
			if !strings.Contains(logged, want) {
				t.Errorf("no %s in the log", want)
			}
		}
		if strings.Contains(logged, phpToken) || strings.Contains(logged, s.token.value) || strings.Contains(logged, s.ticket.value) {
			t.Error("the log has what was lent, or the caller's token")
		}
	})
}
