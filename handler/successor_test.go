package handler

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/delivery"
	"kyc-ocr-relay/internal/pipetest"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

// rotating is a function in a bubble whose apps' secrets come from a source that the test changes.
type rotating struct {
	*Handler
	log pipetest.Log

	mu     sync.Mutex
	holds  map[string]string // secrets by app
	takes  time.Duration     // how long a look takes
	broken bool              // looks fail
	wrong  bool              // what the source holds cannot be used
	looks  int

	callers []config.Caller // nil: everybody
}

// lookPause is between two looks.
const lookPause = time.Second

const oldSecret, newSecret = "canary-old-secret", "canary-new-secret"

// vendor is the upstream of some functions, with a network to it.
func vendor(t *testing.T) (*simulator.Simulator, *pipetest.Network) {
	sim := simulator.New(simulator.Config{Apps: map[string]string{"IDA1": oldSecret, "IDA2": "secret-2"}})
	w := pipetest.New()
	server := &http.Server{Handler: sim}
	go server.Serve(w)
	t.Cleanup(func() {
		server.Close()
		for _, v := range sim.Violations() {
			t.Error(v)
		}
	})
	return sim, w
}

func newRotating(t *testing.T, w *pipetest.Network, store ticket.Store) *rotating {
	t.Helper()
	f := &rotating{holds: map[string]string{"IDA1": oldSecret}}
	log := f.log.Logger()
	sinks, err := delivery.Open(delivery.Config{To: []secret.Text{secret.New("file://" + filepath.ToSlash(t.TempDir()))}})
	if err != nil {
		t.Fatal(err)
	}
	f.Handler = handlerOf(func(context.Context) (*relay.Relay, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.wrong {
			return nil, errors.New("KYC_SECRET: required")
		}
		used := maps.Clone(f.holds)
		client := upstream.New(upstream.Config{BaseURL: &url.URL{Scheme: "http", Host: "upstream"}, Timeout: 5 * time.Second, Dial: w.Dial})
		t.Cleanup(client.Close)
		apps := map[string]ticket.App{}
		for id, s := range used {
			apps[id] = ticket.App{Issuer: client.Issuer(id, secret.New(s)), Secret: secret.New(s)}
		}
		return relay.New(relay.Config{
			Apps: slices.Sorted(maps.Keys(used)), DefaultApp: "IDA1", NoAuth: f.callers == nil, Callers: f.callers,
			Upstream: client, Tickets: ticket.New(ticket.Config{Apps: apps, Store: store, Schedule: schedule, Log: log}),
			Delivery: sinks, Log: log,
			Stale: func(ctx context.Context, now bool) bool { return now && f.changed(ctx, used) },
		}), nil
	}, log)
	return f
}

// changed is a look.
func (f *rotating) changed(ctx context.Context, used map[string]string) bool {
	f.mu.Lock()
	f.looks++
	takes := f.takes
	f.mu.Unlock()
	select {
	case <-ctx.Done():
		return false
	case <-time.After(takes):
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.broken && !maps.Equal(f.holds, used)
}

func (f *rotating) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// put has the source hold the new secret.
func (f *rotating) put() { f.set(func() { f.holds = map[string]string{"IDA1": newSecret} }) }

func (f *rotating) expect(t *testing.T, status int, code string) {
	t.Helper()
	w := get(f.Handler, "/ocr/bankcard/order1", nil)
	var body struct{ Code string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != status || body.Code != code {
		t.Errorf("%v: %d %s, want %d %s", time.Now().Format(time.TimeOnly), w.Code, w.Body, status, code)
	}
}

func (f *rotating) expectLooks(t *testing.T, want int) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.looks != want {
		t.Errorf("%d looks, want %d", f.looks, want)
	}
}

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
