package endtoend

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	goruntime "runtime"
	"strconv"
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
	sent     sync.Map // order → digest of what the upstream answered
	faults   atomic.Int64
}

// mishaps befall one query in ten.
var mishaps = []sabotage{
	resetAtOnce, resetAmid, slowBody, closeAtOnce, says200("<html>stray-canary</html>"), says200(""),
	status500(`{"code":"0","msg":"stray-canary"}`), says200(`{"code":"999999","msg":"stray-canary"}`), noHTTP, redirectAway,
}

func openLoad(t *testing.T, over transport) *loadWorld {
	t.Helper()
	if goruntime.GOOS != "linux" {
		t.Skip("reads memory and descriptors from /proc")
	}
	w := &loadWorld{t: t, sim: simulator.New(simulator.Config{Apps: secrets})}
	w.upstream = httptest.NewUnstartedServer(http.HandlerFunc(w.answer))
	w.upstream.Config.ErrorLog = discard
	w.upstream.Start()
	t.Cleanup(w.upstream.Close)
	env := environment(w.upstream.URL, map[string]string{"KYC_TIMEOUT": "1s", "LOG_LEVEL": "info"})
	f, err := over.start(t.Context(), gateway.Config{Binary: binary(t), Env: env, Log: &w.log, EnvAtStart: true})
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

func (w *loadWorld) answer(rw http.ResponseWriter, r *http.Request) {
	order := r.URL.Query().Get("order_no")
	if isResult(r) && rand.IntN(10) == 0 {
		w.faults.Add(1)
		fault := mishaps[rand.IntN(len(mishaps))]
		c := w.copier(rw, order)
		fault(c, r, nil)
		c.whole()
		return
	}
	w.sim.ServeHTTP(w.copier(rw, order), r)
}

// copier notes what is sent for an order before the last of it is.
func (w *loadWorld) copier(rw http.ResponseWriter, order string) *copier {
	c := &copier{ResponseWriter: rw, hash: sha256.New()}
	c.whole = func() {
		d := digest{size: c.size}
		c.hash.Sum(d.hash[:0])
		w.sent.Store(order, d)
	}
	return c
}

// counts says how often each outcome came.
type counts struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counts) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[what]++
}

// ask sends a good request of a route and holds the answer to what the upstream sent.
func (w *loadWorld) ask(ctx context.Context, do func(*http.Request) (*http.Response, error), target, order string, c *counts) {
	defer w.sent.Delete(order)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		w.t.Error(err)
		return
	}
	request.Header = http.Header{"Authorization": {"Bearer " + aliceToken}, "X-Scf-Secret-Key": {gateway.FakeSecretKey}}
	response, err := do(request)
	if err != nil {
		if ctx.Err() == nil {
			w.t.Errorf("%T", err)
		}
		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil && ctx.Err() != nil {
		return
	}
	c.add(strconv.Itoa(response.StatusCode))
	got := digest{len(body), sha256.Sum256(body)}
	sent, _ := w.sent.Load(order)
	switch photo := strings.Contains(target, "/photos/"); {
	case err != nil:
		w.t.Errorf("status %d: %v", response.StatusCode, err)
	case response.StatusCode == 200 && photo:
		if response.Header.Get("Content-Type") != "image/jpeg" || !bytes.Contains(body[:min(200, len(body))], []byte(order)) {
			w.t.Errorf("a photo of another order: %.100q", body)
		}
	case response.StatusCode == 200 && got != sent:
		w.t.Errorf("not what the upstream sent: %.200s", body)
	case response.StatusCode == 200:
	case response.StatusCode >= 502 && response.StatusCode <= 504:
		if got != sent { // of our own making
			w.log.told(response.Header, body)
		}
	default:
		w.t.Errorf("status %d: %.200s", response.StatusCode, body)
	}
}

// direct asks the runtime without a network in front of it.
func (w *loadWorld) direct(r *http.Request) (*http.Response, error) {
	r.Body = http.NoBody
	recorder := httptest.NewRecorder()
	w.function.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

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
	goroutines := 0
	for begin := time.Now(); time.Since(begin) < 10*time.Second; wait(context.Background(), 20*time.Millisecond) {
		w.log.mu.Lock()
		goroutines = strings.Count(w.log.dump.String(), "\ngoroutine ")
		done := strings.Contains(w.log.dump.String(), "\nrax ") || strings.Contains(w.log.dump.String(), "\nr0 ")
		w.log.mu.Unlock()
		if done {
			break
		}
	}
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	w.t.Logf("at the end: %d descriptors (%d before), %d goroutines, peak memory %d MB, %d lines logged, %d faults of the upstream",
		left, descriptors, goroutines, hwm>>20, w.log.lines, w.faults.Load())
	if left > descriptors+4 {
		w.t.Errorf("%d descriptors, %d before", left, descriptors)
	}
	if goroutines == 0 || goroutines > 20+left { // a connection that is kept alive has one or two
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
