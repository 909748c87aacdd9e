package endtoend

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/simulator"
)

// loadMark is in every order number of a load test, and nowhere else.
const loadMark = "Zload"

// loadSecrets must not be told, whatever happens: this is looked for in each line as it
// comes, because a load test has too many to keep.
var loadSecrets = append([]string{
	loadMark, aliceToken, bobToken, gateway.FakeSecretID, gateway.FakeSecretKey, gateway.FakeSessionToken,
	secrets[firstApp], secrets[secondApp], secrets[thirdApp],
	"6222000", "张三", "/9j/", // a card number, a name, a JPEG in Base64, as the simulator makes them
	"access_token=", "sign=", "nonce=", "order_no=",
}, strayCanaries...)

// detector is a log that keeps nothing but what should not be in it.
type detector struct {
	mu    sync.Mutex
	rest  []byte
	lines int
	leaks []string
	dump  bytes.Buffer // what is not JSON: the stacks of the end
}

func (d *detector) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rest = append(d.rest, p...)
	for {
		line, rest, whole := bytes.Cut(d.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		d.rest = rest
		d.lines++
		if !json.Valid(line) {
			d.dump.Write(line)
			d.dump.WriteByte('\n')
		}
		d.look("the log", line)
	}
}

func (d *detector) look(where string, text []byte) {
	for _, secret := range loadSecrets {
		if bytes.Contains(text, []byte(secret)) && len(d.leaks) < 10 {
			d.leaks = append(d.leaks, fmt.Sprintf("%s has %q: %.300s", where, secret, text))
		}
	}
}

// told looks at headers and at a body of the function's own.
func (d *detector) told(header http.Header, body []byte) {
	var text bytes.Buffer
	_ = header.Write(&text)
	text.Write(body)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.look("an answer", text.Bytes())
}

// loadWorld is a function under load, with an upstream that is faulty at times.
type loadWorld struct {
	t        *testing.T
	sim      *simulator.Simulator
	upstream *httptest.Server
	function runtime
	process  *os.Process
	web      *gateway.Web // nil for an event function
	log      detector
	fates    sync.Map // of the orders that are asked for, by number
	oneIn    int      // so many orders meets a fault
	faults   atomic.Int64
}

func newLoadWorld(t *testing.T) *loadWorld {
	return &loadWorld{t: t, oneIn: 10, sim: simulator.New(simulator.Config{Apps: secrets})}
}

// openLoad starts the function. A call may take long: on a busy machine, no good answer comes late.
func openLoad(t *testing.T, over transport) *loadWorld {
	t.Helper()
	if goruntime.GOOS != "linux" {
		t.Skip("reads memory and descriptors from /proc")
	}
	w := newLoadWorld(t)
	w.upstream = httptest.NewUnstartedServer(http.HandlerFunc(w.answer))
	w.upstream.Config.ErrorLog = discard
	w.upstream.Start()
	t.Cleanup(w.upstream.Close)
	env := environment(w.upstream.URL, map[string]string{"KYC_TIMEOUT": "10s", "LOG_LEVEL": "info"})
	f, err := over.start(t.Context(), gateway.Config{Binary: folder.Function(t), Env: env, Log: &w.log, EnvAtStart: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	w.function = f
	if web, ok := f.(*gateway.Web); ok {
		w.web, w.process = web, web.Process()
	} else {
		w.process = f.(*gateway.Event).Process()
	}
	return w
}

// counts says how often each outcome came.
type counts struct {
	mu      sync.Mutex
	n       map[string]int
	longest time.Duration
}

func (c *counts) took(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.longest = max(c.longest, d)
}

func (c *counts) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[what]++
}

// genuine gives the answer that the upstream would have given.
func (w *loadWorld) genuine(r *http.Request) func() *httptest.ResponseRecorder {
	return func() *httptest.ResponseRecorder {
		recorder := httptest.NewRecorder()
		w.sim.ServeHTTP(recorder, r)
		return recorder
	}
}

// direct asks the runtime without a network in front of it.
func (w *loadWorld) direct(r *http.Request) (*http.Response, error) {
	r.Body = http.NoBody
	recorder := httptest.NewRecorder()
	w.function.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

var (
	// stacks finds the goroutines in a dump, but for those of the scheduler, which have the number 0.
	stacks = regexp.MustCompile(`(?m)^goroutine [1-9]\d* .*\[(.*)\]:$`)
	// runtimes are states of the Go runtime's own.
	runtimes = regexp.MustCompile(`^(GC |GOMAXPROCS |force gc|finalizer |cleanup )`)
)

// end has the function at rest, and looks at what is left: descriptors, goroutines, leaks.
func (w *loadWorld) end(descriptors int) {
	w.t.Helper()
	w.upstream.CloseClientConnections()
	left := 0
	for begin := time.Now(); ; wait(context.Background(), 50*time.Millisecond) {
		if left = openFiles(w.t, w.process); left <= descriptors+4 || time.Since(begin) > 20*time.Second {
			break
		}
		w.upstream.CloseClientConnections()
	}
	hwm := peak(w.t, w.process)
	_ = w.process.Signal(syscall.SIGQUIT) // the stacks of all goroutines, and the end
	for begin := time.Now(); time.Since(begin) < 10*time.Second; wait(context.Background(), 20*time.Millisecond) {
		w.log.mu.Lock()
		done := strings.Contains(w.log.dump.String(), "\nrax ") || strings.Contains(w.log.dump.String(), "\nr0 ")
		w.log.mu.Unlock()
		if done {
			break
		}
	}
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	goroutines := 0
	for _, state := range stacks.FindAllStringSubmatch(w.log.dump.String(), -1) {
		if !runtimes.MatchString(state[1]) {
			goroutines++
		}
	}
	w.t.Logf("at the end: %d descriptors (%d before), %d goroutines, peak memory %d MB, %d lines logged, %d faults of the upstream",
		left, descriptors, goroutines, hwm>>20, w.log.lines, w.faults.Load())
	if left > descriptors+4 {
		w.t.Errorf("%d descriptors, %d before", left, descriptors)
	}
	// A connection that is kept alive has one; the others are fewer than a process has files.
	if goroutines == 0 || goroutines > left+4 {
		w.t.Errorf("%d goroutines:\n%.5000s", goroutines, w.log.dump.String())
	}
	if hwm > mostMemory {
		w.t.Errorf("peak of %d MB", hwm>>20)
	}
	for _, leak := range w.log.leaks {
		w.t.Error(leak)
	}
	for _, broken := range w.sim.Violations() {
		w.t.Error("the upstream's rules:", broken)
	}
}

// openFiles counts the descriptors of a process.
func openFiles(t *testing.T, p *os.Process) int {
	t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
