package simulator

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDuplicateUpload(t *testing.T) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	upload(t, s, sdkUpload, "order1", ticket)
	wantCode(t, "again", decode(t, post(s, advUpload, members(advUpload, "order1", ticket))).code(), duplicateOrder)
	wantViolations(t, s, advUpload+": the orderNo was used before")
}

func TestVerdictsAreDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSimulator()
		token, ticket := s.Mint(testApp)
		id, _ := upload(t, s, sdkUpload, "order1", ticket)
		if _, err := s.RunFace(start("order1", id, nonceOf(t, s, token, "user1"))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(faceFileLife - tick)
		_, ticket = s.Mint(testApp)
		wantCode(t, "before", face1(t, s, "order1", ticket, "").code(), "0")
		time.Sleep(tick)
		wantCode(t, "after three days", face1(t, s, "order1", ticket, "").code(), noRecord)
	})
}

func TestFaceFiles(t *testing.T) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	for wish, want := range map[string]string{"": "", "0": "", "1": "photo video", "2": "photo", "3": "video"} {
		a := face1(t, s, "order1", ticket, wish)
		got := ""
		for _, name := range []string{"photo", "video"} {
			text, ok := a.Result[name].(string)
			if !ok {
				continue
			}
			got = strings.TrimSpace(got + " " + name)
			raw, err := base64.StdEncoding.DecodeString(text)
			if err != nil || !bytes.Equal(raw, s.Photos("face", "order1")[name]) {
				t.Errorf("%s: %d bytes, %v", name, len(raw), err)
			}
			if kind := http.DetectContentType(raw); kind != map[string]string{"photo": "image/jpeg", "video": "video/mp4"}[name] {
				t.Errorf("%s is %s", name, kind)
			}
		}
		if got != want || wish != "" && a.Result["trtcFlag"] != "Y" {
			t.Errorf("getFile %q: %s, %v", wish, got, a.Result["trtcFlag"])
		}
	}
	v := queryValues("order1", ticket)
	v.Set("get_file", "2")
	if a := decode(t, get(s, "/api/server/sync", v)); a.code() != "0" || a.Result["photo"] == nil || a.Result["video"] != nil || a.Result["name"] == nil {
		t.Errorf("sync: %s, %d members", a.Code, len(a.Result))
	}
	if a := decode(t, post(s, photosPath, members(photosPath, "order1", ticket))); len(a.Result["photoList"].([]any)) != 1 {
		t.Error("no photo in the list")
	}
	if a := decode(t, post(s, photosPath, members(photosPath, "spoof1", ticket))); a.Result["photoList"] != nil || string(a.Code) != "66669005" {
		t.Errorf("spoof: code %s", a.Code)
	}
	wantViolations(t, s)
}

func TestFaceScenarios(t *testing.T) {
	s := newTestSimulator()
	_, ticket := s.Mint(testApp)
	for order, want := range map[string]string{"notfound1": "66660020", "throttled1": "400501", "forbidden1": "400104", "rejected1": "400101",
		"mismatch1": "66669004", "spoof1": "66669005", "aborted1": noRecord, "unknown1": "66669999", "number1": "0", "odd1": "0", "oddity": "0"} {
		a := face1(t, s, order, ticket, "1")
		wantCode(t, order, a.code(), want)
		wantCode(t, "then"+order, face1(t, s, "then"+order, ticket, "1").code(), want)
		if _, photo := a.Result["photo"]; photo != (len(s.Photos("face", order)["photo"]) > 0) && order != "spoof1" {
			t.Errorf("%s: photo %t", order, photo)
		}
	}
	for order, want := range map[string]string{"throttled2": "400501", "thenthrottled2": "0", "transient2": "999999", "nodomain1": "0", "foreigndomain1": "0"} {
		a := decode(t, post(s, sdkUpload, members(sdkUpload, order, ticket)))
		wantCode(t, "upload of "+order, a.code(), want)
		if domain, _ := a.Result["optimalDomain"].(string); (order == "nodomain1") != (domain == "") && want == "0" || (order == "foreigndomain1") != (domain == "elsewhere.invalid") {
			t.Errorf("%s: domain %q", order, domain)
		}
	}
	wantViolations(t, s)
}

func TestNonceScenarios(t *testing.T) {
	s := newTestSimulator()
	token, _ := s.Mint(testApp)
	for _, c := range []struct{ user, want string }{{"throttled1", "400501"}, {"transient1", "999999"}, {"transient1", "999999"}, {"transient1", "0"}, {"user1", "0"}} {
		v := ticketValues(token)
		v.Set("type", "NONCE")
		v.Set("user_id", c.user)
		wantCode(t, c.user, decode(t, get(s, ticketPath, v)).code(), c.want)
	}
}

// Whether an upload was carried out is told by its order number, which a second one cannot have.
func TestLostAndReset(t *testing.T) {
	for prefix, uploads := range map[string]int{"reset": 0, "badgateway": 0, "lost": 1, "truncated": 1, "html": 1} {
		s := newTestSimulator()
		_, ticket := s.Mint(testApp)
		func() {
			defer func() { _ = recover() }() // of a connection that cannot be had
			post(s, sdkUpload, members(sdkUpload, prefix+"1", ticket))
		}()
		if n := s.Counts(testApp).Uploads; n != uploads {
			t.Errorf("%s: %d uploads", prefix, n)
		}
	}
}

func TestLateFaceFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSimulator()
		_, ticket := s.Mint(testApp)
		if a := face1(t, s, "late1", ticket, "1"); a.Result["photo"] != "" || a.Result["video"] != "" {
			t.Error("the files are there at once")
		}
		time.Sleep(time.Second)
		if a := face1(t, s, "late1", ticket, "1"); a.Result["photo"] == "" || a.Result["video"] == "" {
			t.Error("the files are still missing")
		}
	})
}
