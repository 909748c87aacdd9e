// Package war shows what becomes of an app's one ticket when several instances use it. It runs real
// processes against the simulated upstream, asks each of them at a steady rate, and reports every
// query and every pair as it happens, for the demo's page and for the pictures in the documents.
//
// Time is scaled down: a minute of the vendor's rules takes [Minute]. What the processes compute and
// send is not scaled, and so as good as free.
package war

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Minute is what a minute of the vendor's rules takes here.
const Minute = 200 * time.Millisecond

// The vendor's times, and the load, scaled. The three policies have the same.
const (
	overlap    = Minute       // how long the previous pair lives on
	refresh    = 20 * Minute  // age at which a pair is renewed
	ticketLife = 60 * Minute  // of a ticket that nobody replaces
	tokenLife  = 120 * Minute // likewise
	usualPause = 2 * Minute   // between two queries of an instance
	patience   = 10 * Minute  // how long an answer may take
)

// MostInstances is how many processes there are at most.
const MostInstances = 12

// Policy is how instances come by the ticket.
type Policy string

// The policies.
const (
	Own   Policy = "own"   // the obvious handler: each instance fetches its own, every 20 minutes
	Naive Policy = "naive" // a shared cache without a lock: who finds the ticket expired fetches one
	Relay Policy = "relay" // the function
)

// Policies are all policies, in the order of the pictures.
var Policies = []Policy{Own, Naive, Relay}

// Setting says what a run is of.
type Setting struct {
	Policy    Policy
	Instances int // 1 to MostInstances
	// Spread asks each instance at a moment of its own, drawn anew for each query. Otherwise all are
	// asked at the same moment, which is how a busy app meets a ticket that has expired.
	Spread bool
	Pause  time.Duration // between two queries of an instance; 0: two minutes, scaled
}

// check refuses what cannot be run, and fills in what is left to it.
func (s *Setting) check() error {
	switch s.Policy {
	case Own, Naive, Relay:
	default:
		return fmt.Errorf("policy is %q: own, naive or relay expected", s.Policy)
	}
	if s.Instances < 1 || s.Instances > MostInstances {
		return fmt.Errorf("%d instances: 1 to %d expected", s.Instances, MostInstances)
	}
	if s.Pause == 0 {
		s.Pause = usualPause
	}
	return nil
}

// War is at most one run at a time, and what is seen of it. Its methods may be called concurrently.
type War struct {
	stream stream

	mu       sync.Mutex // one control at a time
	programs Programs
	dir      string
	fleet    *fleet // nil: no run
}

// New returns a War without a run. Close ends it. Programs that are not built yet are built into dir,
// which stays the caller's, before the first run.
func New(p Programs, dir string) *War { return &War{programs: p, dir: dir} }

// Run ends the run in progress and begins another, whose events are all that is seen from now on. It
// blocks until what it has to build is built.
func (w *War) Run(s Setting) error {
	if err := s.check(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop()
	if err := w.programs.Build(w.dir); err != nil {
		return err
	}
	f, err := startFleet(w.programs, s, &w.stream)
	if err != nil {
		return fmt.Errorf("start the run: %w", err)
	}
	w.fleet = f
	return nil
}

// Close ends the run, if there is one, with all of its processes.
func (w *War) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop()
}

func (w *War) stop() {
	if w.fleet != nil {
		w.fleet.close()
		w.fleet = nil
	}
}

// Subscribe returns what is known of the run so far, and a channel of what happens from now on. The
// channel is closed when ctx ends, or when it is not read from for long.
func (w *War) Subscribe(ctx context.Context) ([]Event, <-chan Event) { return w.stream.subscribe(ctx) }

// Figures are those of the run so far.
func (w *War) Figures() Figures { return w.stream.latest() }

var (
	errNoRun      = errors.New("nothing runs")
	errNoInstance = errors.New("no such instance")
	errNoStore    = errors.New("this policy has no store")
)

// with does something with the run in progress.
func (w *War) with(do func(*fleet) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fleet == nil {
		return errNoRun
	}
	return do(w.fleet)
}

// on does something with an instance of it.
func (w *War) on(instance int, do func(*instanceOf) error) error {
	return w.with(func(f *fleet) error {
		if instance < 0 || instance >= len(f.instances) {
			return errNoInstance
		}
		return do(f.instances[instance])
	})
}

// Freeze stops an instance between two queries, as the platform does with an idle one, or has it go
// on. Meanwhile it is not asked. The error is errors.ErrUnsupported on Windows.
func (w *War) Freeze(instance int, frozen bool) error {
	return w.on(instance, func(i *instanceOf) error { return i.freeze(frozen) })
}

// Kill ends an instance's process without a word. The next query starts another in its place.
func (w *War) Kill(instance int) error {
	return w.on(instance, func(i *instanceOf) error { i.kill(); return nil })
}

// Store stops the store that instances share, or starts it again with what it had.
func (w *War) Store(up bool) error { return w.with(func(f *fleet) error { return f.setStore(up) }) }

// Foreign has another server fetch a token and a ticket for the same app.
func (w *War) Foreign() error {
	return w.with(func(f *fleet) error { f.upstream.foreign(); return nil })
}
