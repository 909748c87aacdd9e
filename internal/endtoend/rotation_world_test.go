package endtoend

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/pipetest"
)

// cluster is some instances of the Web function behind a front that knows which of them
// are being replaced.
type cluster struct {
	t      *testing.T
	binary string
	env    map[string]string
	log    pipetest.Log

	mu        sync.Mutex
	instances []*instance
	turn      int

	token  atomic.Pointer[string] // that callers use
	served atomic.Int64

	slowest atomic.Int64           // time that a query took
	failed  atomic.Int64           // when one failed last, Unix nanoseconds
	told    atomic.Pointer[string] // what it was told
}

type instance struct {
	web    *gateway.Web
	env    map[string]string
	busy   sync.WaitGroup
	away   bool
	failed atomic.Int64
}

func startCluster(t *testing.T, size int, env map[string]string) *cluster {
	t.Helper()
	e := &cluster{t: t, env: env}
	e.start(size, nil)
	return e
}

// start starts that many instances, with changes to the environment.
func (e *cluster) start(size int, changes map[string]string) {
	e.t.Helper()
	if goruntime.GOOS == "windows" {
		e.t.Skip("needs SIGTERM")
	}
	e.binary = folder.Function(e.t)
	token := aliceToken
	e.token.Store(&token)
	for range size {
		in := &instance{env: changed(e.env, changes)}
		e.launch(in)
		e.instances = append(e.instances, in)
	}
	e.t.Cleanup(func() {
		for _, in := range e.instances {
			in.web.Close()
		}
	})
}

// changed is env with changes; "" removes a variable.
func changed(env, changes map[string]string) map[string]string {
	env = maps.Clone(env)
	maps.Copy(env, changes)
	maps.DeleteFunc(env, func(_, value string) bool { return value == "" })
	return env
}

func (e *cluster) launch(in *instance) {
	e.t.Helper()
	web, err := gateway.StartWeb(context.Background(), gateway.Config{Binary: e.binary, Env: in.env, Log: &e.log})
	if err != nil {
		e.t.Fatal(err)
	}
	in.web = web
}

// query asks one instance after the other.
func (e *cluster) query(order string) {
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
	begin := time.Now()
	in.web.ServeHTTP(recorder, request)
	for took, most := int64(time.Since(begin)), e.slowest.Load(); took > most && !e.slowest.CompareAndSwap(most, took); {
		most = e.slowest.Load()
	}
	e.served.Add(1)
	if recorder.Code != http.StatusOK {
		in.failed.Add(1)
		e.failed.Store(time.Now().UnixNano())
		told := recorder.Body.String()
		e.told.Store(&told)
	}
}

// replace restarts one instance with another environment. The front sends it nothing
// meanwhile.
func (e *cluster) replace(in *instance, changes map[string]string) {
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
	in.env = changed(in.env, changes)
	e.launch(in)
	e.mu.Lock()
	in.away = false
	e.mu.Unlock()
}

// under runs do while callers ask without a pause.
func (e *cluster) under(do func()) {
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
func (e *cluster) more(n int64) {
	for target := e.served.Load() + n; e.served.Load() < target && e.t.Context().Err() == nil; {
		wait(e.t.Context(), time.Millisecond)
	}
}

// failures returns how many queries failed since it was asked last, by instance.
func (e *cluster) failures() (list []int64) {
	for _, in := range e.instances {
		list = append(list, in.failed.Swap(0))
	}
	return list
}

func (e *cluster) expectNoFailure(when string) {
	e.t.Helper()
	for i, n := range e.failures() {
		if n != 0 {
			e.t.Errorf("%s: %d queries of instance %d failed, the last one with %s", when, n, i, *e.told.Load())
		}
	}
}
