package simulator

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testApp    = "TIDA0001"
	testSecret = "the secret of the tests"

	bankPath   = "/api/server/getBankCardOcrResult"
	idPath     = "/api/server/getOcrResult"
	tokenPath  = "/api/oauth2/access_token"
	ticketPath = "/api/oauth2/api_ticket"
)

func newTestSimulator() *Simulator {
	return New(Config{Apps: map[string]string{testApp: testSecret}})
}

// get calls the simulator without a network, so that it works in a synctest bubble.
func get(s *Simulator, path string, v url.Values) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path+"?"+v.Encode(), nil))
	return w
}

// answer is what the tests read of any JSON answer.
type answer struct {
	Code        json.RawMessage
	AccessToken string `json:"access_token"`
	ExpireIn    string `json:"expire_in"`
	Tickets     []struct {
		Value    string
		ExpireIn string `json:"expire_in"`
	}
	Result map[string]any
}

func decode(t *testing.T, w *httptest.ResponseRecorder) answer {
	t.Helper()
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("HTTP %d, not JSON: %v", w.Code, err)
	}
	return a
}

func (a answer) code() string { return strings.Trim(string(a.Code), `"`) }

func tokenValues(secret string) url.Values {
	return url.Values{"app_id": {testApp}, "secret": {secret}, "grant_type": {"client_credential"}, "version": {"1.0.0"}}
}

func ticketValues(token string) url.Values {
	return url.Values{"app_id": {testApp}, "access_token": {token}, "type": {"SIGN"}, "version": {"1.0.0"}}
}

func queryValues(orderNo, ticket string) url.Values {
	nonce := randomValue()[:32]
	return url.Values{"app_id": {testApp}, "order_no": {orderNo}, "nonce": {nonce}, "version": {"1.0.0"},
		"sign": {sign(testApp, orderNo, "1.0.0", nonce, ticket)}}
}

// query asks for a result with a new nonce and returns its answer.
func query(t *testing.T, s *Simulator, path, orderNo, ticket string, files bool) answer {
	t.Helper()
	v := queryValues(orderNo, ticket)
	if files {
		v.Set("get_file", "1")
	}
	return decode(t, get(s, path, v))
}

func wantCode(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: code %s, want %s", what, got, want)
	}
}

// wantViolations compares the end of each violation: the beginning names the call.
func wantViolations(t *testing.T, s *Simulator, want ...string) {
	t.Helper()
	got := s.Violations()
	ok := slices.EqualFunc(got, want, func(g, w string) bool { return strings.HasSuffix(g, w) })
	if !ok {
		t.Errorf("violations %q, want %q", got, want)
	}
}
