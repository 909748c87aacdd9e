package handler

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/internal/ticket"
)

// ask sends a request with a body to the Web function.
func ask(h *Handler, method, target, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	return w
}

// into decodes an answer that has the status 200.
func into[T any](t *testing.T, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != 200 {
		t.Fatalf("%d %s, %v", w.Code, w.Body, err)
	}
	return v
}

func isGenuine(t *testing.T, h *Handler, body string) bool {
	t.Helper()
	return into[struct{ Valid bool }](t, ask(h, http.MethodPost, "/check", body)).Valid
}

func TestWholeFlowOfOCR(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, network := vendor(t)
		f := newRotating(t, network, nil)
		start := into[simulator.Start](t, ask(f.Handler, "POST", "/start/ocr", `{"user_id":"user1","order_no":"order1"}`))
		back, err := sim.RunOCR(start)
		if err != nil {
			t.Fatal(err)
		}
		if !isGenuine(t, f.Handler, `{"flow":"ocr","order_no":"order1","sign":"`+strings.ToLower(back.Sign)+`"}`) {
			t.Error("what the vendor has signed is not valid")
		}
		for _, forged := range []string{
			`{"flow":"ocr","order_no":"order2","sign":"` + back.Sign + `"}`,
			`{"flow":"face","order_no":"order1","code":"0","sign":"` + back.Sign + `"}`,
			`{"flow":"ocr","order_no":"order1","sign":"` + strings.Repeat("0", 40) + `"}`,
		} {
			if isGenuine(t, f.Handler, forged) {
				t.Errorf("%s is valid", forged)
			}
		}
		f.expect(t, 200, "0")
		if _, err := sim.RunOCR(start); err == nil {
			t.Error("started twice")
		}
		sim.Violations() // the second start is one
	})
}

func TestWholeFlowOfFace(t *testing.T) {
	const who = `"name":"张三","id_no":"110101199001011234"`
	for _, product := range []string{"basic", "enhanced", "plus", "will", "h5", "h5plus", "pch5"} {
		t.Run(product, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim, network := vendor(t)
				f := newRotating(t, network, nil)
				w := ask(f.Handler, "POST", "/start/face", `{"user_id":"user1","order_no":"order1","product":"`+product+`",`+who+`,"url":"https://shop.example/back?a=b%20c"}`)
				var code, sign string
				if strings.Contains(product, "h5") {
					login := into[struct{ URL string }](t, w).URL
					back, err := sim.RunH5(login)
					if err != nil {
						t.Fatal(login, err)
					}
					u, _ := url.Parse(back)
					code, sign = u.Query().Get("code"), u.Query().Get("newSignature")+u.Query().Get("newSign")
				} else {
					back, err := sim.RunFace(into[simulator.Start](t, w))
					if err != nil {
						t.Fatal(err)
					}
					code, sign = back.Code, back.Sign
				}
				if !isGenuine(t, f.Handler, `{"flow":"face","order_no":"order1","code":"`+code+`","sign":"`+sign+`"}`) {
					t.Error("what the vendor has signed is not valid")
				}
				if isGenuine(t, f.Handler, `{"flow":"face","order_no":"order1","code":"1","sign":"`+sign+`"}`) {
					t.Error("another code is valid")
				}
				time.Sleep(2 * time.Second) // the files follow
				query := "?product=" + product
				if w := get(f.Handler, "/face/order1"+query, nil); w.Code != 200 || !strings.Contains(w.Body.String(), `"liveRate"`) {
					t.Errorf("%d %.300s", w.Code, w.Body)
				}
				for file, kind := range map[string]string{"photo": "image/", "video": "video/"} {
					if w := get(f.Handler, "/face/order1/"+file+query, nil); w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) {
						t.Errorf("%s: %d %s %.200s", file, w.Code, w.Header().Get("Content-Type"), w.Body)
					}
				}
			})
		})
	}
}

// While only client flows run, nobody notices that no pair is alive but by the log.
func TestUnkeptPairIsWarnedOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, network := vendor(t)
		shared := &ticket.Memory{}
		a, b := newRotating(t, network, shared), newRotating(t, network, shared)
		const start, check = `{"user_id":"user1","order_no":"order1"}`, `{"flow":"ocr","order_no":"order1","sign":"0000000000000000000000000000000000000000"}`
		for _, c := range []struct {
			f          *rotating
			path, body string
			after      time.Duration
			isWarned   bool
		}{
			{a, "/start/ocr", start, 0, true},
			{a, "/start/ocr", start, 0, false},
			{b, "/check", check, 0, false}, // the store has one
			{b, "/start/ocr", start, 20 * time.Minute, false},
			{a, "/check", check, 2 * time.Hour, true},
		} {
			time.Sleep(c.after)
			if w := ask(c.f.Handler, http.MethodPost, c.path, c.body); w.Code != 200 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if warned := strings.Contains(c.f.log.String(), "no pair was alive"); warned != c.isWarned {
				t.Errorf("%s after %v: warned is %v", c.path, c.after, warned)
			}
			c.f.log.Take(t)
		}
	})
}
