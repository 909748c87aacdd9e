package ticket

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// WorldConfig is what a World has in it.
type WorldConfig struct {
	Instances int
	Requests  int             // each instance gets at most this many
	Faults    int             // at most this many in total, each once: see faults
	Cold      bool            // no pair yet; otherwise all have one, and it is just due
	Clocks    []time.Duration // by how much they are wrong
	Bad       bool            // the upstream rejects all requests of the first instance, but those at rest

	// What would break the protocol, to see that this is found.
	Repeat   bool // versions begin anew after a loss, where they began at first
	Conflict bool // a write that is refused is told as a lost race
	Wrap     func(Store) Store
	Loop     string // a way to break Do's loop
}

// moments are when the model's time stops: when the pair is due, after everybody's
// next look, after a lease of the first and of the second moment, after an overlap.
var moments = []time.Duration{0, 15 * time.Second, 35 * time.Second, 70 * time.Second, 105 * time.Second}

// World is a fleet over one store and the modelled upstream. Whatever an instance asks
// of either waits until it is granted.
type World struct {
	c       WorldConfig
	start   time.Time
	moment  int
	passes  int  // how often time has passed
	stirred bool // more than requests happened at this moment
	nodes   []*node
	store   Store
	losses  uint64        // of the store, and one more
	refuses bool          // the store takes no writes
	back    time.Duration // by which its clock went back
	version uint64        // of the store, and what is stored there
	record  record
	end     chan struct{}
	faults  map[string]bool // that happened

	// The explorer holds it, but for when it lets the instances go on.
	mu          sync.Mutex
	open        bool // nothing waits
	tokens      []issued
	generations map[int]uint64 // by token, as published
	rejected    int
	broken      []string
}

// issued is a token as the upstream remembers it.
type issued struct {
	asked, at time.Time
	foreign   bool
	by        *node // nil: foreign
}

// node is an instance.
type node struct {
	*World
	cache    *Cache
	app      *app
	bad      bool // its requests
	dead     bool
	frozen   time.Time // since when; zero: it is not
	late     bool      // it was frozen once
	calls    []*call   // which wait
	requests []*request
	seen     int // the newest token it has seen the ticket of

	// What its flight has seen since its last Load.
	flight  *flight
	begun   time.Time
	history []byte
	loaded  uint64
	refused int    // writes
	holds   uint64 // the version that is its lease; 0: none
	until   time.Time
}

// request is a request to an instance, and how far it has come.
type request struct {
	queries  int
	rejected int // the pair, if one was
	accepted bool
	bad      bool   // is rejected, whatever it asks with
	since    int    // the newest token when it began
	renewed  bool   // and rejected with that pair
	outcome  string // "": not yet
}

// call is a call that waits.
type call struct {
	kind   string
	ctx    context.Context
	aside  bool          // not part of a flight: it adopts nothing
	do     func() string // has its effect
	done   bool          // it had
	passes int           // when it arrived
	answer chan error
}

// worldSeal is derived once for all worlds: it takes long.
var worldSeal = sync.OnceValue(func() seal { return newSeal("app", secret.New("secret")) })

var errEnd = errors.New("the world ended")

// NewWorld returns a world at its first moment. It belongs into a synctest bubble.
func NewWorld(c WorldConfig) *World {
	w := &World{
		c: c, end: make(chan struct{}), open: true,
		faults: map[string]bool{}, generations: map[int]uint64{},
	}
	w.mu.Lock()
	w.empty()
	for i := range c.Instances {
		n := &node{World: w, bad: c.Bad && i == 0}
		n.cache = New(Config{
			Apps:     map[string]App{"app": {Issuer: n, Secret: secret.New("secret")}},
			Store:    n,
			Schedule: Schedule{Refresh: 20 * time.Minute, Overlap: time.Minute},
		})
		if i < len(c.Clocks) {
			n.cache.SetClock(c.Clocks[i])
		}
		n.app = n.cache.apps["app"].first
		n.app.seal = worldSeal
		w.nodes = append(w.nodes, n)
		if !c.Cold {
			n.begin(false)
			n.calls, n.requests = nil, nil
		}
	}
	if !c.Cold {
		w.goOn(20 * time.Minute)
	}
	w.open, w.start = false, time.Now()
	return w
}

// empty gives the world an empty store.
func (w *World) empty() {
	if w.losses == 0 || !w.c.Repeat {
		w.losses++
	}
	w.store = &Memory{begin: w.losses << 20}
	if w.c.Wrap != nil {
		w.store = w.c.Wrap(w.store)
	}
	v, _ := w.store.Load(context.Background(), worldSeal().name)
	w.version, w.record = v.Version, record{}
}

// End has everything that still waits fail, so that the bubble can end.
func (w *World) End() {
	close(w.end)
	w.goOn(5 * time.Minute)
	w.mu.Unlock()
}

// goOn lets the instances go on for some time, and until all is quiet.
func (w *World) goOn(d time.Duration) {
	w.mu.Unlock()
	time.Sleep(d)
	synctest.Wait()
	w.mu.Lock()
}

// Broken tells which invariants were broken.
func (w *World) Broken() []string { return w.broken }

func (w *World) breaks(format string, args ...any) {
	select {
	case <-w.end:
	default:
		w.broken = append(w.broken, fmt.Sprintf(format, args...))
	}
}

// storeTime is the store's clock.
func (w *World) storeTime() time.Time { return time.Now().Add(-w.back) }

// alive reports whether the upstream accepts what belongs to a token.
func (w *World) alive(token int) bool {
	return token == len(w.tokens) || time.Since(w.tokens[token].at) < time.Minute
}

// number is that of the token in its text and its ticket's.
func number(text string) int {
	n, _ := strconv.Atoi(text[strings.LastIndexByte(text, ' ')+1:])
	return n
}
