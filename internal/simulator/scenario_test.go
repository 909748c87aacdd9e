package simulator

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// Every prefix reaches its own row, in either case, and fits an order number.
func TestEveryScenarioIsReached(t *testing.T) {
	for _, sc := range Scenarios() {
		if got := scenarioOf(strings.ToUpper(sc.Prefix) + "1"); got.Prefix != sc.Prefix {
			t.Errorf("%q is hidden by %q", sc.Prefix, got.Prefix)
		}
		if sc.What == "" || !alphanumeric(sc.Prefix) || strings.ToLower(sc.Prefix) != sc.Prefix {
			t.Errorf("scenario %q", sc.Prefix)
		}
		for _, code := range []string{sc.all, sc.bank, sc.id, sc.verdict} {
			if code != "" && messages[code] == "" {
				t.Errorf("%q: no message for %s", sc.Prefix, code)
			}
		}
	}
}

func TestCodes(t *testing.T) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	for _, c := range []struct{ order, bank, id string }{
		{"order1", "0", "0"}, {"NotFound1", "66660020", "66660020"}, {"late1", "0", "0"}, {"emptycrop1", "0", "0"},
		{"throttled1", "400501", "400501"}, {"down1", "999999", "999999"}, {"forbidden1", "400104", "400104"},
		{"rejected1", "400101", "400101"}, {"toolong1", "66660000", "66660000"}, {"blurred1", "-9012", "66661004"},
		{"warn1", "0", "0"}, {"unknown1", "66669999", "66669999"}, {"number1", "0", "0"}, {"odd1", "0", "0"},
		{"huge1", "0", "0"}, {"nocode1", "", ""},
	} {
		for path, want := range map[string]string{bankPath: c.bank, idPath: c.id} {
			a := query(t, s, path, c.order, ticket, false)
			wantCode(t, path+" "+c.order, a.code(), want)
			if found := want == "0" || want == ""; found != (a.Result["orderNo"] == c.order) {
				t.Errorf("%s %s: found %t, result %v", path, c.order, found, a.Result)
			}
			for _, field := range append(photoFields[bankCard], photoFields[idCard]...) {
				if _, ok := a.Result[field]; ok {
					t.Errorf("%s %s: %s without get_file", path, c.order, field)
				}
			}
		}
	}
	wantViolations(t, s)
}

func TestTransient(t *testing.T) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	for i, want := range []string{"999999", "999999", "0", "0"} {
		wantCode(t, string(rune('1'+i)), query(t, s, bankPath, "transient1", ticket, false).code(), want)
	}
	wantCode(t, "another", query(t, s, bankPath, "transient2", ticket, false).code(), "999999")
}

func TestLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSimulator()
		_, ticket := s.Mint(testApp)
		query(t, s, bankPath, "late1", ticket, false)
		time.Sleep(time.Second - tick)
		if a := query(t, s, bankPath, "late1", ticket, true); a.Result["bankcardCropPhoto"] != "" || a.Result["bankCardNo"] == "" {
			t.Error("the photo is there too early")
		}
		time.Sleep(tick)
		if a := query(t, s, bankPath, "late1", ticket, true); a.Result["bankcardCropPhoto"] == "" {
			t.Error("the photo is not there in time")
		}
	})
}

func TestPhotos(t *testing.T) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	seen := map[string]string{}
	for path, kind := range map[string]string{bankPath: bankCard, idPath: idCard} {
		for _, order := range []string{"order1", "order2", "emptycrop1", "odd1", "huge2x1"} {
			photos := s.Photos(kind, order)
			a := query(t, s, path, order, ticket, true)
			for _, field := range photoFields[kind] {
				got, err := base64.StdEncoding.DecodeString(a.Result[field].(string))
				if err != nil || !bytes.Equal(got, photos[field]) {
					t.Fatalf("%s %s: %d bytes, Photos has %d, %v", order, field, len(got), len(photos[field]), err)
				}
				if strings.HasPrefix(order, "emptycrop") && strings.Contains(field, "Crop") {
					if len(got) != 0 {
						t.Errorf("%s %s is not empty", order, field)
					}
					continue
				}
				if len(got) == 0 {
					continue
				}
				if other := seen[string(got)]; other != "" {
					t.Errorf("%s %s is the same as %s", order, field, other)
				}
				seen[string(got)] = order + " " + field
				img, err := jpeg.Decode(bytes.NewReader(got))
				if err != nil || img.Bounds().Dx() != 240 || http.DetectContentType(got) != "image/jpeg" {
					t.Errorf("%s %s: no JPEG, %v", order, field, err)
				}
			}
		}
	}
	if len(s.Photos(bankCard, "emptycrop1")) != 1 || len(s.Photos(idCard, "emptycrop1")) != 3 {
		t.Error("emptycrop: the originals are not there")
	}
	for _, order := range []string{"notfound1", "html1", "cut1"} {
		if n := len(s.Photos(bankCard, order)); n != 0 {
			t.Errorf("%s has %d photos", order, n)
		}
	}
	if n := len(s.Photos(bankCard, "huge1")["bankcardNoPhoto"]); n != hugePhoto {
		t.Errorf("huge: %d bytes", n)
	}
	if len(s.Photos(idCard, "transient1")) != 5 || len(s.Photos(idCard, "late1")) != 5 {
		t.Error("what appears in the end is not in Photos")
	}
}

func TestHugeBodies(t *testing.T) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	for order, want := range map[string]int{"huge": 12, "huge1x": 1, "huge12x1": 12, "huge65x": 12, "huge7": 12} {
		v := queryValues(order, ticket)
		v.Set("get_file", "1")
		n := get(s, bankPath, v).Body.Len()
		if low, high := want<<20-1024, want<<20+32*1024; n < low || n > high {
			t.Errorf("%s: %d bytes, want %d MB", order, n, want)
		}
	}
}

func TestDocuments(t *testing.T) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	raw := func(path, order string) string { return get(s, path, queryValues(order, ticket)).Body.String() }

	if got := raw(bankPath, "order1"); !strings.HasPrefix(got, `{"code":"0","msg":"请求成功","bizSeqNo":"`) ||
		!strings.Contains(got, `"result":{"bizSeqNo":"`) || !strings.Contains(got, `"success":false},"transactionTime":"`) {
		t.Errorf("plain: %s", got)
	}
	if got := raw(bankPath, "number1"); !strings.HasPrefix(got, `{"code":0,`) {
		t.Errorf("number: %s", got)
	}
	if got := raw(bankPath, "warn1"); !strings.Contains(got, `"warnCode":"-9110","multiWarnCode":"[-9110,-9111]"`) {
		t.Errorf("warn: %s", got)
	}
	if got := raw(idPath, "warn1"); !strings.Contains(got, `"frontMultiWarning":"01000000"`) {
		t.Errorf("warn: %s", got)
	}
	odd := raw(idPath, "odd1")
	if !strings.HasSuffix(odd, `"code" : "0"`+"\r\n}\r\n") || !json.Valid([]byte(odd)) {
		t.Errorf("odd: %s", odd)
	}
	for _, part := range []string{`\u4e2d`, `\/`, `\"`, "1.50e+3", "12345678901234567890"} {
		if !strings.Contains(odd, part) {
			t.Errorf("odd has no %s", part)
		}
	}
	a, b := query(t, s, bankPath, "order1", ticket, false), query(t, s, bankPath, "order1", ticket, false)
	if a.Result["bankCardNo"] != b.Result["bankCardNo"] || len(a.Result["bankCardNo"].(string)) != 19 {
		t.Errorf("card numbers %v and %v", a.Result["bankCardNo"], b.Result["bankCardNo"])
	}
	if biz := bizSeqNo(time.Now()); len(biz) != 32 {
		t.Errorf("bizSeqNo %s", biz)
	}
}

// The scenarios that spoil the transport, over a real one.
func TestFaults(t *testing.T) {
	s := newTestSimulator()
	server := httptest.NewServer(s)
	defer server.Close()
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	_, ticket := s.Mint(testApp)
	ask := func(order string) (*http.Response, string, error) {
		resp, err := client.Get(server.URL + bankPath + "?" + queryValues(order, ticket).Encode())
		if err != nil {
			return nil, "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return resp, string(b), err
	}
	html := func(r *http.Response) bool { return strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") }

	if r, _, err := ask("html1"); err != nil || r.StatusCode != 200 || !html(r) {
		t.Errorf("html: %v %v", r, err)
	}
	if r, _, err := ask("badgateway1"); err != nil || r.StatusCode != 502 || !html(r) {
		t.Errorf("badgateway: %v %v", r, err)
	}
	if r, b, err := ask("truncated1"); err != io.ErrUnexpectedEOF || int64(len(b)) != r.ContentLength/2 {
		t.Errorf("truncated: %d bytes, %v", len(b), err)
	}
	if r, b, err := ask("cut1"); err != nil || int64(len(b)) != r.ContentLength || len(b) == 0 || json.Valid([]byte(b)) {
		t.Errorf("cut: %q %v", b, err)
	}
	if r, b, err := ask("empty1"); err != nil || r.StatusCode != 200 || b != "" {
		t.Errorf("empty: %q %v", b, err)
	}
	if r, _, err := ask("redirect1"); err != nil || r.StatusCode != 302 || strings.Contains(r.Header.Get("Location"), "?") {
		t.Errorf("redirect: %v %v", r, err)
	}
	client.CloseIdleConnections() // a kept connection would make the client repeat the query
	if _, _, err := ask("reset1"); err == nil {
		t.Error("reset: an answer")
	}
	wantViolations(t, s)
}

// A writer that cannot be hijacked is aborted.
func TestResetWithoutHijacker(t *testing.T) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	defer func() {
		if r := recover(); r != http.ErrAbortHandler {
			t.Errorf("recovered %v", r)
		}
	}()
	get(s, bankPath, queryValues("reset1", ticket))
}

func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSimulator()
		_, ticket := s.Mint(testApp)
		begin := time.Now()
		wantCode(t, "slow", query(t, s, bankPath, "slow1", ticket, false).code(), "0")
		if d := time.Since(begin); d != 10*time.Second {
			t.Errorf("slow took %v", d)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		begin = time.Now()
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, bankPath+"?"+queryValues("slow1", ticket).Encode(), nil))
		if d := time.Since(begin); d != 3*time.Second || w.Body.Len() != 0 {
			t.Errorf("after the client left: %v, %d bytes", d, w.Body.Len())
		}
	})
}
