//go:build unix

package endtoend

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/pipetest"
	"kyc-ocr-relay/internal/simulator"
)

// A fleet's time is scaled from minutes to seconds.
const (
	fleetSize    = 20
	fleetRefresh = 6 * time.Second
	fleetOverlap = 4 * time.Second
	fleetLife    = 30 * time.Second
)

// fleet is a number of Web functions, each a process, that share one store.
type fleet struct {
	t        *testing.T
	env      map[string]string
	binary   string
	log      pipetest.Log
	places   [fleetSize]place
	answered atomic.Int64
	checks   flowChecks
	lost     atomic.Int64 // with a process that was killed
	slowest  atomic.Int64 // what an answer took at most, in nanoseconds
}

// place is where one process after the other serves.
type place struct {
	mu      sync.Mutex
	web     *gateway.Web
	lives   int
	stopped bool
}

func startFleet(t *testing.T, upstream, store string, refresh, overlap time.Duration) *fleet {
	f := &fleet{t: t, binary: folder.Function(t), env: environment(upstream, map[string]string{
		"KYC_APPS":       "",
		"TICKET_STORE":   store,
		"TICKET_REFRESH": refresh.String(),
		"TICKET_OVERLAP": overlap.String(),
		"LOG_LEVEL":      "warn",
	})}
	var starting sync.WaitGroup
	for i := range f.places {
		starting.Go(func() { f.start(&f.places[i]) })
	}
	starting.Wait()
	t.Cleanup(func() {
		for i := range f.places {
			if web := f.places[i].web; web != nil {
				web.Close()
			}
		}
	})
	return f
}

// start puts a new process into p, whose lock is held or not needed yet.
func (f *fleet) start(p *place) {
	web, err := gateway.StartWeb(context.Background(), gateway.Config{Binary: f.binary, Env: f.env, Log: &f.log})
	if err != nil {
		f.t.Error(err)
		return
	}
	p.web = web
	p.lives++
}

// kill ends a process without a word, and starts another in its place.
func (f *fleet) kill(p *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lives++ // before it dies: what fails from now on was lost with it
	p.web.Process().Kill()
	p.web.Close()
	f.start(p)
}

// freeze stops a process for longer than a renewal takes to come by.
func (f *fleet) freeze(p *place) {
	p.mu.Lock()
	process := p.web.Process()
	p.stopped = true
	p.mu.Unlock()
	process.Signal(syscall.SIGSTOP)
	time.Sleep(fleetRefresh + fleetOverlap)
	process.Signal(syscall.SIGCONT)
	p.mu.Lock()
	p.stopped = false
	p.mu.Unlock()
}

// live sends the fleet queries for its life, while disturb does its worst.
func (f *fleet) live(disturb func(ctx context.Context)) {
	f.askWhile(func() {
		ctx, cancel := context.WithTimeout(f.t.Context(), fleetLife)
		defer cancel()
		disturb(ctx)
		<-ctx.Done()
	})
}

// askWhile sends the fleet queries while something happens to it.
func (f *fleet) askWhile(happen func()) {
	ctx, cancel := context.WithCancel(f.t.Context())
	var busy sync.WaitGroup
	defer busy.Wait()
	defer cancel()
	for n := range 8 {
		busy.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				f.ask(i, fmt.Sprintf("fleet%dx%d", n, i))
				wait(ctx, 40*time.Millisecond)
			}
		})
	}
	happen()
}

// disturb kills and freezes processes; meanwhile, where there is one, is done once.
func (f *fleet) disturb(meanwhile func()) func(context.Context) {
	return func(ctx context.Context) {
		var hands sync.WaitGroup
		hands.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				f.kill(&f.places[n%(fleetSize/2)])
				wait(ctx, 700*time.Millisecond)
			}
		})
		hands.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				f.freeze(&f.places[fleetSize/2+n%(fleetSize/2)])
			}
		})
		if meanwhile != nil {
			wait(ctx, fleetLife/3)
			meanwhile()
		}
		hands.Wait()
	}
}

// check holds what the fleet did against the upstream's rules.
func (f *fleet) check(sim *simulator.Simulator, most int) {
	f.t.Helper()
	mints, rejected := sim.Mints(firstApp), sim.Counts(firstApp).Rejected
	f.t.Logf("%d requests answered, the slowest in %v, %d lost with a killed process, %d retried, %d mints",
		f.answered.Load(), time.Duration(f.slowest.Load()), f.lost.Load(), rejected, len(mints))
	if f.answered.Load() < 300 {
		f.t.Errorf("only %d queries were answered", f.answered.Load())
	}
	if len(mints) > most {
		f.t.Errorf("%d mints, at most %d are expected", len(mints), most)
	}
	for _, broken := range sim.Violations() {
		f.t.Error("the upstream's rules were broken:", broken)
	}
	f.checks.report(f.t, len(mints))
	for line := range strings.Lines(f.log.String()) {
		var fields struct{ Msg, Detail string }
		if json.Unmarshal([]byte(line), &fields) != nil {
			f.t.Errorf("not a log line: %q", line)
		}
	}
}

// regularMints are those of a fleet's life, and one for each holder that is killed or
// frozen right between its token and its publication; that takes milliseconds, so that
// few are hit.
const regularMints = int(fleetLife/fleetRefresh) + 6

// storeAway is how long there is no store. A process that starts then has to mint for
// itself, which voids the pair of all others one overlap later; each of them follows, at
// most once in an overlap, until all have rejoined.
const (
	storeAway   = 3 * time.Second
	forcedMints = fleetSize * (int(storeAway/fleetOverlap) + 1)
)

func TestFleetOverRedis(t *testing.T) {
	server := startRedis(t)
	sim := simulator.New(simulator.Config{Apps: secrets, Overlap: fleetOverlap})
	upstream := httptest.NewServer(sim)
	defer upstream.Close()
	f := startFleet(t, upstream.URL, "redis://"+server.address, fleetRefresh, fleetOverlap)
	f.checks.start(sim)
	f.live(f.disturb(func() {
		f.checks.stop() // with the store go the tickets that were in force
		server.restart(t, storeAway)
	}))
	f.check(sim, regularMints+forcedMints)
}

func TestFleetOverADirectory(t *testing.T) {
	sim := simulator.New(simulator.Config{Apps: secrets, Overlap: fleetOverlap})
	upstream := httptest.NewServer(sim)
	defer upstream.Close()
	f := startFleet(t, upstream.URL, "file://"+filepath.ToSlash(t.TempDir()), fleetRefresh, fleetOverlap)
	f.checks.start(sim)
	f.live(f.disturb(nil))
	f.check(sim, regularMints)
}

// An instance that starts where the store holds a pair mints none for its first query.
func TestColdStartTakesTheSharedPair(t *testing.T) {
	store := "file://" + filepath.ToSlash(t.TempDir())
	sim := simulator.New(simulator.Config{Apps: secrets})
	upstream := httptest.NewUnstartedServer(sim)
	var connections atomic.Int32
	upstream.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	upstream.Start()
	defer upstream.Close()
	for n, source := range []string{"minted", "shared", "shared"} {
		web, err := gateway.StartWeb(t.Context(), gateway.Config{
			Binary: folder.Function(t),
			Env:    environment(upstream.URL, map[string]string{"KYC_APPS": "", "TICKET_STORE": store}),
		})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(path string) *httptest.ResponseRecorder {
			recorder := httptest.NewRecorder()
			request := httptest.NewRequest(http.MethodGet, path, nil)
			request.Header.Set("Authorization", "Bearer "+aliceToken)
			web.ServeHTTP(recorder, request)
			return recorder
		}
		if got := ask("/ocr/bankcard/cold"); got.Code != http.StatusOK {
			t.Errorf("instance %d: %d %s", n, got.Code, got.Body)
		}
		if got := ask("/healthz"); !strings.Contains(got.Body.String(), `"source":"`+source+`"`) {
			t.Errorf("instance %d: %s, want the pair %s", n, got.Body, source)
		}
		web.Close()
	}
	if n := len(sim.Mints(firstApp)); n != 1 {
		t.Errorf("%d mints for three cold starts", n)
	}
	// The token, the ticket and the query of the first one share a connection.
	if n := connections.Load(); n != 3 {
		t.Errorf("%d connections for three cold starts", n)
	}
}
