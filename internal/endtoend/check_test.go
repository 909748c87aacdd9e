package endtoend

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"kyc-ocr-relay/internal/costest"
	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/pipetest"
	"kyc-ocr-relay/internal/simulator"
)

// The time of the instances that check, scaled from minutes to seconds.
const (
	checkRefresh = 4 * time.Second
	checkOverlap = time.Second

	// checkMargin is how wrong a store's clock may be: a bucket tells the time in seconds.
	checkMargin = 1500 * time.Millisecond
)

// sharedStores are where instances share pairs; each is empty.
var sharedStores = map[string]func(t *testing.T) string{
	"redis": func(t *testing.T) string { return "redis://" + miniredis.RunT(t).Addr() },
	"file":  func(t *testing.T) string { return "file://" + filepath.ToSlash(t.TempDir()) },
	"cos": func(t *testing.T) string {
		bucket := costest.New(costest.Config{Name: "pairs-1250000000", SecretID: gateway.FakeSecretID, SecretKey: gateway.FakeSecretKey, SessionToken: gateway.FakeSessionToken})
		server := httptest.NewServer(bucket)
		t.Cleanup(func() {
			server.Close()
			for _, broken := range bucket.Violations() {
				t.Error("the bucket's rules:", broken)
			}
		})
		return "cos://pairs-1250000000.ap-guangzhou/kyc?endpoint=" + url.QueryEscape(server.URL)
	},
}

// sharing is instances of one store, before one upstream.
type sharing struct {
	t   *testing.T
	sim *simulator.Simulator
	env map[string]string
	log pipetest.Log

	wrong []string // what was not as it should be
}

func (s *sharing) fail(format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

func openSharing(t *testing.T, store string) *sharing {
	s := &sharing{t: t, sim: simulator.New(simulator.Config{Apps: secrets, Overlap: checkOverlap})}
	upstream := httptest.NewServer(s.sim)
	t.Cleanup(upstream.Close)
	s.env = environment(upstream.URL, map[string]string{
		"KYC_TIMEOUT": "5s", "TICKET_STORE": store, "TICKET_REFRESH": checkRefresh.String(), "TICKET_OVERLAP": checkOverlap.String(),
	})
	return s
}

// instance starts one more.
func (s *sharing) instance() http.Handler {
	s.t.Helper()
	web, err := gateway.StartWeb(context.Background(), gateway.Config{Binary: folder.Function(s.t), Env: s.env, Log: &s.log})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { web.Close() })
	return web
}

// ask sends an instance a body, or nothing, and returns what it is told.
func (s *sharing) ask(to http.Handler, target, body string) *answer {
	s.t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	var recorder *httptest.ResponseRecorder
	for range 3 {
		recorder = httptest.NewRecorder()
		request := httptest.NewRequest(method, target, strings.NewReader(body))
		request.Header = bearer(aliceToken)
		to.ServeHTTP(recorder, request)
		if recorder.Code != http.StatusGatewayTimeout {
			break // else half a second was not enough for the store: it goes by TICKET_OVERLAP
		}
	}
	if recorder.Code != 200 {
		s.fail("%s: %d %s", target, recorder.Code, recorder.Body)
	}
	return &answer{recorder.Code, recorder.Header(), recorder.Body.Bytes()}
}

// expect has instances check a body.
func (s *sharing) expect(when string, valid bool, body string, instances ...http.Handler) {
	s.t.Helper()
	for i, in := range instances {
		if got := string(s.ask(in, "/check", body).body); (got == `{"valid":true}`) != valid || !valid && got != `{"valid":false}` {
			s.fail("%s, instance %d: %s, want %t", when, i, got, valid)
		}
	}
}

// TestCheckAcrossInstances has a result signed just before a renewal, and checked on instances that
// were there, that renewed, and that started afterwards, as long as TICKET_REFRESH allows.
//
// Where the machine stands still for a second, which is the whole overlap, the instances rightly know
// less: then all is done again, up to three times.
func TestCheckAcrossInstances(t *testing.T) {
	for name, open := range sharedStores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for attempt := 1; ; attempt++ {
				wrong := checkAcross(t, open(t))
				if len(wrong) == 0 {
					return
				}
				if attempt == 3 {
					t.Fatal(strings.Join(wrong, "\n"))
				}
				t.Logf("again: %s", strings.Join(wrong, "\n"))
			}
		})
	}
}

// checkAcross returns what was not as it should be.
func checkAcross(t *testing.T, store string) []string {
	s := openSharing(t, store)
	first, second := s.instance(), s.instance()
	s.ask(first, "/ocr/bankcard/order1", "")
	s.ask(second, "/ocr/bankcard/order1", "")
	ocr, face, signer := s.signed(first, second)
	for deadline := time.Now().Add(20 * time.Second); len(s.sim.Mints(firstApp)) == signer && time.Now().Before(deadline); {
		s.ask(second, "/ocr/bankcard/order2", "") // renews, once that is due
		wait(t.Context(), 20*time.Millisecond)
	}
	ends := s.sim.Mints(firstApp)[signer].Add(checkOverlap)
	third := s.instance() // which has never seen the ticket that signed
	s.expect("ocr", true, checkOf("ocr", ocr), third, first, second)
	s.expect("face", true, checkOf("face", face), third, first, second)
	for what, body := range map[string]string{
		"another order": strings.Replace(checkOf("face", face), face.OrderNo, face.OrderNo+"x", 1),
		"another code":  strings.Replace(checkOf("face", face), `"code":"0"`, `"code":"66669004"`, 1),
		"another app":   `{"app_id":"` + secondApp + `",` + checkOf("face", face)[1:],
		"another flow":  strings.Replace(checkOf("ocr", ocr), `"ocr"`, `"face","code":"0"`, 1),
		"another sign":  strings.Replace(checkOf("ocr", ocr), ocr.Sign, face.Sign, 1),
	} {
		s.expect(what, false, body, third, first, second)
	}
	mints := len(s.sim.Mints(firstApp))
	wait(t.Context(), time.Until(ends.Add(checkRefresh+checkMargin)))
	fourth := s.instance()
	s.expect("too late", false, checkOf("ocr", ocr), fourth, third, first, second)
	s.expect("too late", false, checkOf("face", face), fourth, third, first, second)
	t.Logf("%d mints when checked, %d in the end", mints, len(s.sim.Mints(firstApp)))
	s.inspect()
	return s.wrong
}

// signed returns what clients bring back that were started by two instances, both signed with the
// ticket of the nth mint, which is about to be renewed. On a busy machine that may take some tries.
func (s *sharing) signed(first, second http.Handler) (ocr, face simulator.Callback, nth int) {
	s.t.Helper()
	for try := 0; s.t.Context().Err() == nil; try++ {
		mints := s.sim.Mints(firstApp)
		nth = len(mints)
		wait(s.t.Context(), time.Until(mints[nth-1].Add(checkRefresh-checkMargin)))
		var errs [2]error
		ocr, errs[0] = started(s.t, s.ask(first, "/start/ocr", fmt.Sprintf(`{"user_id":"user1","order_no":"card%d"}`, try))).run(s.sim)
		face, errs[1] = started(s.t, s.ask(second, "/start/face", fmt.Sprintf(`{"order_no":"face%d","product":"plus",%s}`, try, ownPerson))).run(s.sim)
		if err := errors.Join(errs[:]...); err != nil {
			s.t.Fatal(err)
		}
		if len(s.sim.Mints(firstApp)) == nth {
			break
		}
	}
	return ocr, face, nth
}

// inspect looks at the rules and the log.
func (s *sharing) inspect() {
	s.t.Helper()
	for _, broken := range s.sim.Violations() {
		s.t.Error("the upstream's rules:", broken)
	}
	all := canaries{}
	all.addFixed()
	for kind, text := range map[string]string{"name": "欧阳测试", "number": "000000199001011234", "user": "userOfTheFlow"} {
		all.add(kind, text)
	}
	if kinds := all.in(s.log.String()); kinds != nil {
		s.t.Errorf("the log tells %q", kinds)
	}
}
