package handler

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/internal/ticket"
)

// The request that meets the change of the secret is answered with the new one, whichever way it came.
func TestSecretIsReplacedDuringARequest(t *testing.T) {
	invoke := func(event, want string) func(*rotating) bool {
		return func(f *rotating) bool {
			value, err := f.Invoke(context.Background(), "the-request", []byte(event))
			return err == nil && strings.Contains(string(value), want)
		}
	}
	for name, ask := range map[string]func(*rotating) bool{
		"Web": func(f *rotating) bool {
			return get(f.Handler, "/ocr/bankcard/order7", http.Header{"X-Scf-Request-Id": {"the-request"}}).Code == 200
		},
		"photo":    invoke(`{"httpMethod":"GET","path":"/ocr/bankcard/order7/photos/bankcardCropPhoto"}`, `"isBase64Encoded":true,"statusCode":200`),
		"event":    invoke(`{"httpMethod":"GET","path":"/ocr/bankcard/order7"}`, `"statusCode":200`),
		"direct":   invoke(`{"type":"bankcard","order_no":"order7"}`, `"code":"0"`),
		"delivery": invoke(`{"action":"deliver","type":"bankcard","order_no":"order7"}`, `{"delivered":["IDA1/bankcard/order7"]`),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim, network := vendor(t)
				f := newRotating(t, network, nil)
				f.expect(t, 200, "0")
				f.put()
				f.expect(t, 200, "0")
				f.expectLooks(t, 0) // what serves is not looked behind
				sim.SetSecret("IDA1", newSecret)
				f.log.Take(t)
				if !ask(f) {
					t.Error("failed")
				}
				f.expectLooks(t, 1)
				lines := f.log.Take(t)
				mine := slices.DeleteFunc(slices.Clone(lines), func(l map[string]any) bool { return l["request_id"] != "the-request" })
				if len(mine) != 1 || mine[0]["level"] != "INFO" {
					t.Errorf("lines of the request: %v", mine)
				}
				if n := len(sim.Mints("IDA1")); n != 2 {
					t.Errorf("%d mints", n)
				}
				f.expect(t, 200, "0")
				f.expectLooks(t, 1)
			})
		})
	}
}

// Where the vendor is first, requests fail until the source has the new secret, and for a second
// at most from then on. The source is looked at once a second, whatever comes.
func TestVendorIsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, network := vendor(t)
		f := newRotating(t, network, nil)
		f.expect(t, 200, "0")
		time.Sleep(time.Minute)
		sim.SetSecret("IDA1", newSecret)
		for range 100 {
			begin := time.Now()
			f.expect(t, 502, codeCredential)
			if took := time.Since(begin); took != 0 {
				t.Fatalf("the failure took %v", took)
			}
			time.Sleep(50 * time.Millisecond)
		}
		f.expectLooks(t, 5)
		f.put()
		begin := time.Now()
		for get(f.Handler, "/ocr/bankcard/order1", nil).Code != 200 {
			time.Sleep(50 * time.Millisecond)
		}
		if took := time.Since(begin); took > lookPause {
			t.Errorf("took %v", took)
		}
		f.expect(t, 200, "0")
	})
}

func TestManyMeetTheChangeAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, network := vendor(t)
		f := newRotating(t, network, nil)
		f.expect(t, 200, "0")
		f.put()
		f.set(func() { f.takes = 300 * time.Millisecond })
		sim.SetSecret("IDA1", newSecret)
		begin := time.Now()
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() { f.expect(t, 200, "0") })
		}
		group.Wait()
		if took := time.Since(begin); took != 300*time.Millisecond {
			t.Errorf("took %v", took)
		}
		f.expectLooks(t, 1)
		if n := len(sim.Mints("IDA1")); n != 2 {
			t.Errorf("%d mints", n)
		}
	})
}

// Nobody's secret is taken for replaced because the source cannot be read, and nobody waits for the
// source again and again.
func TestSourceThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, network := vendor(t)
		f := newRotating(t, network, nil)
		f.expect(t, 200, "0")
		f.put()
		f.set(func() { f.broken, f.takes = true, 2*time.Second })
		sim.SetSecret("IDA1", newSecret)
		begin := time.Now()
		for range 20 {
			f.expect(t, 502, codeCredential)
		}
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("took %v", took)
		}
		time.Sleep(lookPause)
		f.set(func() { f.broken = false })
		f.expect(t, 200, "0")
		f.expectLooks(t, 2)
	})
}

func TestNewSettingsThatAreOfNoUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, network := vendor(t)
		f := newRotating(t, network, nil)
		f.expect(t, 200, "0")
		sim.SetSecret("IDA1", newSecret)

		f.put()
		f.set(func() { f.wrong = true })
		f.log.Take(t)
		f.expect(t, 502, codeCredential)
		if !slices.ContainsFunc(f.log.Take(t), func(l map[string]any) bool { return l["detail"] == "KYC_SECRET: required" }) {
			t.Error("the log does not tell why")
		}
		time.Sleep(lookPause)
		f.set(func() { f.wrong, f.holds = false, map[string]string{"IDA2": "secret-2"} })
		f.expect(t, 502, codeCredential) // as it was admitted under the old settings
		f.expect(t, 400, codeAppID)
	})
}

// The one that looks may go away: the next one that is refused looks then.
func TestLookEndsWithItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, network := vendor(t)
		f := newRotating(t, network, nil)
		f.expect(t, 200, "0")
		f.put()
		f.set(func() { f.takes = 300 * time.Millisecond })
		sim.SetSecret("IDA1", newSecret)
		ctx, cancel := context.WithCancel(t.Context())
		begin := time.Now()
		var group sync.WaitGroup
		group.Go(func() {
			f.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/ocr/bankcard/order1", nil))
		})
		synctest.Wait()
		group.Go(func() { f.expect(t, 200, "0") })
		time.Sleep(200 * time.Millisecond)
		cancel()
		group.Wait()
		if took := time.Since(begin); took != 500*time.Millisecond {
			t.Errorf("took %v", took)
		}
		f.expectLooks(t, 2)
	})
}

// An instance that learns of the refusal from another one looks, too. One with other trouble does
// not.
func TestWhatIsLookedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, network := vendor(t)
		store := &ticket.Memory{}
		a, b := newRotating(t, network, store), newRotating(t, network, store)
		sim.SetSecret("IDA1", newSecret)
		a.expect(t, 502, codeCredential)
		tokens := 0
		sim.Intercept(func(_ http.ResponseWriter, _ *http.Request, c simulator.Call) bool {
			if c == simulator.TokenCall {
				tokens++
			}
			return false
		})
		b.expect(t, 502, codeCredential)
		if tokens != 0 {
			t.Error("the refused secret was tried again")
		}
		a.expectLooks(t, 1)
		b.expectLooks(t, 1)
	})
	for what, answer := range map[string]func(w http.ResponseWriter){
		"throttled": func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"code":"400501"}`)) },
		"broken":    func(w http.ResponseWriter) { _, _ = w.Write([]byte(`<html>`)) },
		"failing":   func(w http.ResponseWriter) { w.WriteHeader(500) },
	} {
		synctest.Test(t, func(t *testing.T) {
			sim, network := vendor(t)
			f := newRotating(t, network, nil)
			f.put()
			sim.Intercept(func(w http.ResponseWriter, _ *http.Request, _ simulator.Call) bool { answer(w); return true })
			if w := get(f.Handler, "/ocr/bankcard/order1", nil); w.Code < 500 {
				t.Errorf("%s: %d", what, w.Code)
			}
			f.expectLooks(t, 0)
		})
	}
	// A pair that must not be renewed again so soon may all the same be one of a replaced secret.
	synctest.Test(t, func(t *testing.T) {
		sim, network := vendor(t)
		f := newRotating(t, network, nil)
		for range 20 {
			if w := get(f.Handler, "/ocr/bankcard/rejected1", nil); w.Code != 502 || !strings.Contains(w.Body.String(), "400101") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			time.Sleep(100 * time.Millisecond)
		}
		f.expectLooks(t, 2)
		time.Sleep(lookPause)
		f.put()
		sim.SetSecret("IDA1", newSecret)
		f.expect(t, 200, "0")
		f.expectLooks(t, 3)
	})
}
