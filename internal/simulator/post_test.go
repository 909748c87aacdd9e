package simulator

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const (
	sdkUpload  = "/api/server/getfaceid"
	advUpload  = "/api/server/getAdvFaceId"
	h5Upload   = "/api/server/h5/geth5faceid"
	facePath   = "/api/v2/base/queryfacerecord"
	photosPath = "/api/v2/base/queryphotoinfo"
	bankOCR    = "/api/paas/bankcardocrapp"
)

// portrait is a picture that is taken for one.
var portrait = base64.StdEncoding.EncodeToString([]byte("\xFF\xD8\xFF\xE0 a portrait"))

// members returns what a call is posted with, signed with the ticket.
func members(path, orderNo, ticket string) map[string]string {
	nonce := randomValue()[:32]
	m := map[string]string{"appId": testApp, "orderNo": orderNo, "version": "1.0.0", "nonce": nonce}
	e := endpoints[path]
	for _, name := range e.required {
		switch _, picture := pictureMembers[name]; {
		case picture:
			m[name] = portrait
		case name == "userId":
			m[name] = "user1"
		case name == "cardType":
			m[name] = "0"
		}
	}
	if e.call == UploadCall {
		m["name"], m["idNo"] = "张三", "000000199001010001"
	}
	if path == h5Upload {
		delete(m, "nonce")
	}
	resign(path, m, ticket)
	return m
}

// resign signs what the pages say: this is written down once more for the tests.
func resign(path string, m map[string]string, ticket string) {
	app := m["appId"] + m["webankAppId"] + m["app_id"]
	switch {
	case path == h5Upload:
		m["sign"] = sign(app, m["orderNo"], m["name"], m["idNo"], m["userId"], m["version"], ticket)
	case strings.HasSuffix(path, "FaceId"), path == sdkUpload:
		m["sign"] = sign(app, m["userId"], m["version"], m["nonce"], ticket)
	default:
		m["sign"] = sign(app, m["orderNo"], m["version"], m["nonce"], ticket)
	}
}

func postRequest(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// post calls the simulator with the members, and the order number in the URL where it belongs.
func post(s *Simulator, path string, m map[string]string) *httptest.ResponseRecorder {
	body, _ := json.Marshal(m)
	target := path
	if endpoints[path].traced {
		target += "?orderNo=" + url.QueryEscape(m["orderNo"])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, postRequest(target, string(body)))
	return w
}

func postPaths() (paths []string) {
	for _, path := range slices.Sorted(maps.Keys(endpoints)) {
		if endpoints[path].post {
			paths = append(paths, path)
		}
	}
	return paths
}

func TestEveryPostIsAnswered(t *testing.T) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	for i, path := range postPaths() {
		for _, app := range []string{"appId", "webankAppId", "app_id"} {
			m := members(path, fmt.Sprintf("order%d%s", i, strings.ReplaceAll(app, "_", "")), ticket)
			delete(m, "appId")
			m[app] = testApp
			a := decode(t, post(s, path, m))
			wantCode(t, path, a.code(), "0")
			if a.Result["orderNo"] != m["orderNo"] {
				t.Errorf("%s: result %v", path, a.Result)
			}
			if quoted := a.Code[0] == '"'; quoted == (path == photosPath || path == h5Upload) {
				t.Errorf("%s: code %s", path, a.Code)
			}
		}
		if n := s.Requests(path); n != 3 {
			t.Errorf("%s: %d requests", path, n)
		}
	}
	if got, want := s.Counts(testApp), (Counts{Queries: 9, Uploads: 18, Pictures: 12}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
	wantViolations(t, s)
}

// A GET is told the method by the status, before anything else is looked at.
func TestGetOfAPost(t *testing.T) {
	s := newTestSimulator()
	for _, path := range postPaths() {
		if w := get(s, path, nil); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
			t.Errorf("%s: HTTP %d", path, w.Code)
		}
	}
	if n := len(s.Violations()); n != len(postPaths()) {
		t.Errorf("%d violations", n)
	}
}

// Whatever a POST signs but what its page says is refused, and with it another ticket or none.
func TestPostSignatures(t *testing.T) {
	s := newTestSimulator()
	token, ticket := s.Mint(testApp)
	nonceTicket := nonceOf(t, s, token, "user1")
	for _, path := range postPaths() {
		for name, change := range map[string]func(m map[string]string){
			"unsigned":         func(m map[string]string) { m["sign"] = strings.Repeat("0", 40) },
			"the NONCE ticket": func(m map[string]string) { resign(path, m, nonceTicket) },
			"another ticket":   func(m map[string]string) { resign(path, m, randomValue()) },
			"only the order":   func(m map[string]string) { m["sign"] = sign(testApp, m["orderNo"], ticket) },
			"six values": func(m map[string]string) {
				m["sign"] = sign(testApp, m["orderNo"], m["userId"], "1.0.0", m["nonce"], "x", ticket)
			},
			"another order": func(m map[string]string) { m["sign"] = sign(testApp, "x", m["userId"], "1.0.0", m["nonce"], ticket) },
			"another nonce": func(m map[string]string) {
				m["sign"] = sign(testApp, m["orderNo"], "1.0.0", randomValue()[:32], ticket)
			},
			"unsorted, as it was": func(m map[string]string) {
				m["sign"] = unsorted(testApp, m["userId"], m["orderNo"], ticket, "1.0.0", m["nonce"])
			},
		} {
			m := members(path, "order1", ticket)
			change(m)
			wantCode(t, path+" "+name, decode(t, post(s, path, m)).code(), "400101")
		}
	}
	if s.Counts(testApp).Uploads != 0 {
		t.Error("a face id was issued")
	}
}

func unsorted(values ...string) string {
	slices.Reverse(values)
	return sign(strings.Join(values, ""))
}

func TestMisSigned(t *testing.T) {
	s := newTestSimulator()
	token, ticket := s.Mint(testApp)
	for _, c := range []struct {
		path, want string
		values     func(m map[string]string) []string
	}{
		{sdkUpload, "signed with a NONCE ticket", func(m map[string]string) []string {
			return []string{testApp, m["userId"], "1.0.0", m["nonce"], nonceOf(t, s, token, "user1")}
		}},
		{sdkUpload, "the sign is over other values than documented", func(m map[string]string) []string {
			return []string{testApp, m["orderNo"], "1.0.0", m["nonce"], ticket}
		}},
		{facePath, "the sign is over the values of a client's sign", func(m map[string]string) []string {
			return []string{testApp, m["orderNo"], ticket}
		}},
	} {
		m := members(c.path, "order1", ticket)
		m["sign"] = sign(c.values(m)...)
		wantCode(t, c.want, decode(t, post(s, c.path, m)).code(), "400101")
		if got := s.Violations(); !strings.HasSuffix(got[len(got)-1], c.want) {
			t.Errorf("violations %q, want %s", got, c.want)
		}
	}
}

// Each mistake in a body is refused and written down once.
func TestMemberViolations(t *testing.T) {
	set := func(name, value string) func(map[string]string) {
		return func(m map[string]string) { m[name] = value }
	}
	without := func(names ...string) func(map[string]string) {
		return func(m map[string]string) {
			for _, name := range names {
				delete(m, name)
			}
		}
	}
	for _, c := range []struct {
		name, path string
		change     func(map[string]string)
		code, want string
	}{
		{"unknown", facePath, set("openId", "1"), "400101", `unknown member "openId"`},
		{"of another call", facePath, set("userId", "u"), "400101", `unknown member "userId"`},
		{"a nonce that is not wanted", h5Upload, set("nonce", randomValue()[:32]), "400101", `unknown member "nonce"`},
		{"missing", sdkUpload, without("userId"), "400101", "missing member userId"},
		{"empty", bankOCR, set("bankcardStr", ""), "400101", "missing member bankcardStr"},
		{"no app", facePath, without("appId"), "400101", "missing member appId"},
		{"two names of the app", facePath, set("webankAppId", testApp), "400101", "the app is named 2 times"},
		{"nobody", facePath, set("appId", "nobody"), "400105", ""},
		{"version", facePath, set("version", "1.0"), "400502", "version is not 1.0.0"},
		{"nonce", facePath, set("nonce", "short"), "400101", "nonce is not 32 letters and digits"},
		{"sign", facePath, set("sign", "zz"), "400101", "sign is not 40 hex digits"},
		{"orderNo", facePath, set("orderNo", "a-1"), "400101", "orderNo is not made of letters and digits"},
		{"a long orderNo", facePath, set("orderNo", strings.Repeat("1", 33)), "66660000", "orderNo is longer than 32 bytes"},
		{"a long userId", sdkUpload, set("userId", strings.Repeat("1", 33)), "66660000", "userId is longer than 32 bytes"},
		{"queryVersion", facePath, set("queryVersion", "2"), "400101", "queryVersion is not 1.0"},
		{"a name alone", advUpload, without("idNo"), "400101", "one of name and idNo is missing"},
		{"nothing to compare with", advUpload, without("idNo", "name"), "400101", "neither name and idNo nor a photo"},
		{"a type without a photo", advUpload, set("sourcePhotoType", "1"), "400101", "sourcePhotoType without a photo"},
		{"liveInterType", advUpload, set("liveInterType", "2"), "400101", "liveInterType is not 1, the only value documented"},
		{"no picture", advUpload, set("sourcePhotoStr", "AAAA"), "400101", "sourcePhotoStr is no picture in Base64"},
		{"a data URL", bankOCR, set("bankcardStr", "data:image/jpeg;base64,"+portrait), "400101", "bankcardStr is no picture in Base64"},
		{"a large picture", advUpload, set("sourcePhotoStr", portrait+strings.Repeat("A", 1<<20)), "66660000", "sourcePhotoStr is longer than 1048576 bytes"},
	} {
		s := newTestSimulator()
		_, ticket := s.Mint(testApp)
		m := members(c.path, "order1", ticket)
		c.change(m)
		wantCode(t, c.name, decode(t, post(s, c.path, m)).code(), c.code)
		if c.want != "" {
			wantViolations(t, s, c.path+": "+c.want)
		}
	}
}

func TestBodyLimit(t *testing.T) {
	s := newTestSimulator()
	for size, want := range map[int]int{maxBody: http.StatusOK, maxBody + 1: http.StatusRequestEntityTooLarge} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, postRequest(facePath, strings.Repeat(" ", size)))
		if w.Code != want {
			t.Errorf("%d bytes: HTTP %d", size, w.Code)
		}
	}
}

// An interceptor can read what was posted.
func TestInterceptReadsTheBody(t *testing.T) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	m := members(facePath, "order1", ticket)
	s.Intercept(func(w http.ResponseWriter, r *http.Request, c Call) bool {
		got, err := io.ReadAll(r.Body)
		var back map[string]string
		if err != nil || json.Unmarshal(got, &back) != nil || !maps.Equal(back, m) || c != VerdictCall {
			t.Errorf("%s: %v, %v", c, back, err)
		}
		return false
	})
	wantCode(t, "afterwards", decode(t, post(s, facePath, m)).code(), "0")
}

func TestPostedNonceIsReplayed(t *testing.T) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	m := members(facePath, "order1", ticket)
	post(s, facePath, m)
	wantCode(t, "again", decode(t, post(s, facePath, m)).code(), "400101")
	wantViolations(t, s, facePath+": replayed nonce")
}

// The fourth value of the older upload drops out where it is not given.
func TestUploadOfAPhotoAlone(t *testing.T) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	for i, path := range []string{h5Upload, advUpload} {
		m := members(path, fmt.Sprintf("order%d", i), ticket)
		delete(m, "name")
		delete(m, "idNo")
		m["sourcePhotoStr"], m["sourcePhotoType"] = portrait, "2"
		resign(path, m, ticket)
		wantCode(t, path, decode(t, post(s, path, m)).code(), "0")
	}
	wantViolations(t, s)
}
