package endtoend

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/simulator"
)

// estate is some instances of the Web function behind a front that knows which of them
// are being replaced.
type estate struct {
	t      *testing.T
	binary string
	log    journal

	mu        sync.Mutex
	instances []*instance
	turn      int

	token  atomic.Pointer[string] // that callers use
	served atomic.Int64
}

type instance struct {
	web    *gateway.Web
	env    map[string]string
	busy   sync.WaitGroup
	away   bool
	failed atomic.Int64
}

func openEstate(t *testing.T, size int, env map[string]string) *estate {
	t.Helper()
	if goruntime.GOOS == "windows" {
		t.Skip("needs SIGTERM")
	}
	e := &estate{t: t, binary: binary(t)}
	token := aliceToken
	e.token.Store(&token)
	for range size {
		in := &instance{env: env}
		e.start(in)
		e.instances = append(e.instances, in)
	}
	t.Cleanup(func() {
		for _, in := range e.instances {
			in.web.Close()
		}
	})
	return e
}

func (e *estate) start(in *instance) {
	e.t.Helper()
	web, err := gateway.StartWeb(context.Background(), gateway.Config{Binary: e.binary, Env: in.env, Log: &e.log})
	if err != nil {
		e.t.Fatal(err)
	}
	in.web = web
}

// query asks one instance after the other.
func (e *estate) query(order string) {
	e.mu.Lock()
	var in *instance
	for in == nil || in.away {
		e.turn++
		in = e.instances[e.turn%len(e.instances)]
	}
	in.busy.Add(1)
	e.mu.Unlock()
	defer in.busy.Done()
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodGet, "/ocr/bankcard/"+order, nil)
	request.Header.Set("Authorization", "Bearer "+*e.token.Load())
	in.web.ServeHTTP(recorder, request)
	e.served.Add(1)
	if recorder.Code != http.StatusOK {
		in.failed.Add(1)
	}
}

// replace restarts one instance with another environment. The front sends it nothing
// meanwhile.
func (e *estate) replace(in *instance, changes map[string]string) {
	e.t.Helper()
	e.mu.Lock()
	in.away = true
	e.mu.Unlock()
	in.busy.Wait()
	process := in.web.Process()
	if err := process.Signal(syscall.SIGTERM); err != nil {
		e.t.Error(err)
	}
	for process.Signal(syscall.Signal(0)) == nil && e.t.Context().Err() == nil {
		wait(e.t.Context(), 5*time.Millisecond)
	}
	in.web.Close()
	in.env = maps.Clone(in.env)
	maps.Copy(in.env, changes)
	e.start(in)
	e.mu.Lock()
	in.away = false
	e.mu.Unlock()
}

// under runs do while callers ask without a pause.
func (e *estate) under(do func()) {
	ctx, cancel := context.WithCancel(e.t.Context())
	var callers sync.WaitGroup
	for n := range 8 {
		callers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				e.query(fmt.Sprintf("rotation%dx%d", n, i))
			}
		})
	}
	do()
	cancel()
	callers.Wait()
}

// more waits until so many more queries were answered.
func (e *estate) more(n int64) {
	for target := e.served.Load() + n; e.served.Load() < target && e.t.Context().Err() == nil; {
		wait(e.t.Context(), time.Millisecond)
	}
}

// failures returns how many queries failed since it was asked last, by instance.
func (e *estate) failures() (list []int64) {
	for _, in := range e.instances {
		list = append(list, in.failed.Swap(0))
	}
	return list
}

func (e *estate) expectNoFailure(when string) {
	e.t.Helper()
	for i, n := range e.failures() {
		if n != 0 {
			e.t.Errorf("%s: %d queries of instance %d failed", when, n, i)
		}
	}
}

// TestCallerTokenIsRotatedUnderLoad goes from an old token to a new one: both are
// accepted in between, and no query fails.
func TestCallerTokenIsRotatedUnderLoad(t *testing.T) {
	t.Parallel()
	const newToken = "alice-new-token-1d0c55"
	sim := simulator.New(simulator.Config{Apps: secrets})
	upstream := httptest.NewServer(sim)
	t.Cleanup(upstream.Close)
	e := openEstate(t, 3, environment(upstream.URL, map[string]string{
		"CALLER_TOKENS": "alice:" + aliceToken, "TICKET_STORE": "file://" + filepath.ToSlash(t.TempDir()), "LOG_LEVEL": "warn",
	}))
	token := newToken
	e.under(func() {
		e.more(100)
		for _, in := range e.instances {
			e.replace(in, map[string]string{"CALLER_TOKENS": "alice:" + aliceToken + ",alicenew:" + newToken})
			e.more(50)
		}
		e.token.Store(&token) // the callers change over
		e.more(100)
		for _, in := range e.instances {
			e.replace(in, map[string]string{"CALLER_TOKENS": "alicenew:" + newToken})
			e.more(50)
		}
	})
	e.expectNoFailure("caller token")
	old := aliceToken
	e.token.Store(&old)
	e.query("afterwards1")
	if n := e.failures(); n[0]+n[1]+n[2] != 1 {
		t.Error("the old token is accepted still")
	}
	t.Logf("%d queries, none failed; %d mints", e.served.Load(), len(sim.Mints(firstApp)))
	if n := len(sim.Mints(firstApp)); n != 1 {
		t.Errorf("%d mints: a restarted instance takes the pair from the store", n)
	}
	for _, broken := range sim.Violations() {
		t.Error(broken)
	}
}

// TestAppSecretIsRotatedUnderLoad changes the app's secret at the vendor, which voids all
// tokens and tickets at once: an instance with the old secret fails from then on, and
// says so; one with the new secret does not fail, not even beside an old one.
func TestAppSecretIsRotatedUnderLoad(t *testing.T) {
	t.Parallel()
	const newSecret = "new-secret-of-first-55e0a1"
	sim := simulator.New(simulator.Config{Apps: secrets})
	upstream := httptest.NewServer(sim)
	t.Cleanup(upstream.Close)
	e := openEstate(t, 2, environment(upstream.URL, map[string]string{
		"KYC_APPS": "", "TICKET_STORE": "file://" + filepath.ToSlash(t.TempDir()), "LOG_LEVEL": "warn",
	}))
	change := map[string]string{"KYC_SECRET": newSecret}
	e.under(func() {
		e.more(200)
		e.expectNoFailure("before")
		sim.SetSecret(firstApp, newSecret)
		e.more(200)
		gap := e.failures()
		if gap[0] == 0 || gap[1] == 0 {
			t.Errorf("%v failures: the vendor's change was not noticed", gap)
		}
		e.replace(e.instances[0], change)
		e.failures()
		e.more(400)
		beside := e.failures()
		if beside[0] != 0 || beside[1] == 0 {
			t.Errorf("%v failures while one of two has the new secret", beside)
		}
		e.replace(e.instances[1], change)
		e.failures()
		e.more(1000)
		e.expectNoFailure("after")
		t.Logf("failures by instance between the change and the first restart %v, until the second %v, then none; %d queries, %d mints",
			gap, beside, e.served.Load(), len(sim.Mints(firstApp)))
	})
	if !contains(e.log.String(), "KYC_SECRET") {
		t.Error("the log does not say what to do")
	}
	if n := len(sim.Mints(firstApp)); n > 3 {
		t.Errorf("%d mints", n)
	}
	for _, broken := range sim.Violations() {
		t.Error(broken)
	}
}
