package simulator

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Start is what a front end is given to start with, by the names that the client SDKs
// have for it.
type Start struct {
	AppID   string `json:"appId"`
	UserID  string `json:"userId"`
	OrderNo string `json:"orderNo"`
	Nonce   string `json:"nonce"`
	Version string `json:"version"`
	Sign    string `json:"sign"`
	FaceID  string `json:"faceId"` // "" for OCR
}

// Callback is what a client SDK hands to the front end in the end, and the front end to
// its server. Sign is empty if the app had no live SIGN ticket at that moment.
type Callback struct {
	Code    string // of a face verification, or of an OCR in a mini program; "" otherwise
	OrderNo string
	Sign    string
}

// Refusal is why a client did not start. An SDK shows it as a failed login.
type Refusal struct {
	Code string
	Why  string // names, and no values
}

func (r *Refusal) Error() string { return "code " + r.Code + ": " + r.Why }

func refused(why string) *Refusal { return &Refusal{"400101", why} }

// RunOCR is the OCR SDK on a phone: it redeems the NONCE ticket that signed start, takes
// the photos and returns what it hands back. Errors are *Refusal.
func (s *Simulator) RunOCR(start Start) (Callback, error) {
	if start.FaceID != "" {
		return Callback{}, refused("a face id for the OCR")
	}
	return s.runOCR(start, "", start.AppID, start.UserID, start.Version, start.Nonce)
}

// RunMiniProgramOCR is the OCR of the older H5 page and mini program, which signs the order
// number, too, and hands a code back.
func (s *Simulator) RunMiniProgramOCR(start Start) (Callback, error) {
	return s.runOCR(start, "0", start.AppID, start.UserID, start.Version, start.Nonce, start.OrderNo)
}

func (s *Simulator) runOCR(start Start, code string, signed ...string) (Callback, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, refusal := s.begin(start, signed)
	if refusal != nil {
		return Callback{}, refusal
	}
	return Callback{code, start.OrderNo, a.resultSign(start.AppID, start.OrderNo, code)}, nil
}

// RunFace is the face SDK on a phone: it redeems the NONCE ticket that signed start,
// verifies the person, as the order number's scenario says, and returns what it hands back.
// Errors are *Refusal.
func (s *Simulator) RunFace(start Start) (Callback, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, refusal := s.begin(start, []string{start.AppID, start.UserID, start.Version, start.Nonce})
	if refusal != nil {
		return Callback{}, refusal
	}
	return s.verify(a, start, "sdk")
}

// begin redeems the NONCE ticket. s.mu is held.
func (s *Simulator) begin(start Start, signed []string) (*account, *Refusal) {
	a := s.accounts[start.AppID]
	switch {
	case a == nil:
		return nil, &Refusal{"400105", "no such app"}
	case start.Version != "1.0.0":
		return nil, &Refusal{"400502", "version is not 1.0.0"}
	case !wellFormedNonce(start.Nonce):
		return nil, refused("nonce is not 32 letters and digits")
	case start.OrderNo == "" || len(start.OrderNo) > 32 || !alphanumeric(start.OrderNo):
		return nil, refused("orderNo is not 1 to 32 letters and digits")
	case start.UserID == "" || len(start.UserID) > 32:
		return nil, refused("userId is not 1 to 32 bytes")
	case a.replayed(start.Nonce):
		return nil, refused("replayed nonce")
	}
	if !a.redeem(time.Now(), start.UserID, start.Sign, signed...) {
		why := "no live NONCE ticket of the user signs this"
		if slices.ContainsFunc(a.tickets, func(c *credential) bool { return c.signs(start.Sign, signed...) }) {
			why = "signed with a SIGN ticket"
		}
		s.violate("client: %s", why)
		return nil, refused(why)
	}
	return a, nil
}

// verify does the verification that the face id stands for. s.mu is held.
func (s *Simulator) verify(a *account, start Start, client string) (Callback, error) {
	now := time.Now()
	v := a.byID[start.FaceID]
	switch {
	case v == nil || v.orderNo != start.OrderNo || v.userID != start.UserID:
		return Callback{}, refused("no such face id for the order and the user")
	case !now.Before(v.dies):
		return Callback{}, refused("the face id is too old")
	case v.started:
		return Callback{}, refused("the face id was used before")
	case !strings.Contains(v.clients, client):
		return Callback{}, refused("the face id is for another product")
	}
	v.started = true
	sc := scenarioFor(VerdictCall, start.OrderNo)
	if !sc.shape.noRecord {
		v.done = now
	}
	code := sc.verdict
	if code == "" {
		code = "0"
	}
	return Callback{code, start.OrderNo, a.resultSign(start.AppID, start.OrderNo, code)}, nil
}

// resultSign signs what goes back through the front end with the newest SIGN ticket, ""
// if none lives.
func (a *account) resultSign(appID, orderNo, code string) string {
	now := time.Now()
	for _, t := range slices.Backward(a.tickets) {
		if t.alive(now) {
			return sign(appID, orderNo, code, t.value)
		}
	}
	return ""
}

// loginPath is where an H5 page begins.
const loginPath = "/api/web/login"

// RunH5 is a browser that is sent to the vendor's page: it redeems the NONCE ticket that
// signed the URL's parameters, verifies the person and returns the URL that the page then
// sends the browser to. The host of the URL does not matter here. Errors are *Refusal.
func (s *Simulator) RunH5(login string) (callback string, err error) {
	u, err := url.Parse(login)
	if err != nil || u.Path != loginPath {
		return "", refused("not the URL of the page")
	}
	v, start, back, err := readLogin(u)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, refusal := s.begin(start, []string{start.AppID, start.UserID, start.Version, start.Nonce, start.OrderNo, start.FaceID})
	if refusal != nil {
		return "", refusal
	}
	old := a.byID[start.FaceID] != nil && a.byID[start.FaceID].path == "/api/server/h5/geth5faceid"
	if old && v.Get("h5faceId") == "" {
		return "", refused("faceId for a page that wants h5faceId")
	}
	done, err := s.verify(a, start, "h5")
	if err != nil {
		return "", err
	}
	signName := "newSignature"
	if old {
		signName = "newSign"
	}
	result := url.Values{"code": {done.Code}, "orderNo": {done.OrderNo}, "h5faceId": {start.FaceID},
		signName: {done.Sign}, "liveRate": {"99"}}
	if back.RawQuery != "" {
		back.RawQuery += "&"
	}
	back.RawQuery += result.Encode()
	return back.String(), nil
}

// readLogin reads the parameters of the page, which are these and no others.
func readLogin(u *url.URL) (v url.Values, start Start, back *url.URL, err error) {
	v, err = url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, start, nil, refused("malformed query")
	}
	known := []string{"appId", "webankAppId", "version", "nonce", "orderNo", "faceId", "h5faceId", "userId", "sign",
		"url", "resultType", "from", "redirectType"}
	for _, name := range sortedNames(v) {
		if !slices.Contains(known, name) || len(v[name]) > 1 {
			return nil, start, nil, refused("unknown or repeated parameter " + name)
		}
	}
	if v.Has("appId") == v.Has("webankAppId") || v.Has("faceId") == v.Has("h5faceId") {
		return nil, start, nil, refused("the app and the face id are not each named once")
	}
	if from := v.Get("from"); from != "" && from != "browser" && from != "app" {
		return nil, start, nil, refused("from is not browser or app")
	}
	for _, name := range []string{"resultType", "redirectType"} {
		if v.Has(name) && v.Get(name) != "1" {
			return nil, start, nil, refused(name + " is not 1, the only value documented")
		}
	}
	back, err = url.Parse(v.Get("url"))
	if err != nil || back.Scheme != "https" && back.Scheme != "http" || back.Host == "" {
		return nil, start, nil, refused("url is not a whole URL")
	}
	start = Start{AppID: v.Get("appId") + v.Get("webankAppId"), UserID: v.Get("userId"), OrderNo: v.Get("orderNo"),
		Nonce: v.Get("nonce"), Version: v.Get("version"), Sign: v.Get("sign"), FaceID: v.Get("faceId") + v.Get("h5faceId")}
	return v, start, back, nil
}

// serveLogin is the page for a browser. It sends the browser to the callback at once.
func (s *Simulator) serveLogin(w http.ResponseWriter, r *http.Request) {
	callback, err := s.RunH5(r.URL.String())
	if err == nil {
		http.Redirect(w, r, callback, http.StatusFound)
		return
	}
	var why *Refusal
	if errors.As(err, &why) {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		_ = json.NewEncoder(w).Encode(map[string]string{"code": why.Code, "msg": why.Why})
	}
}
