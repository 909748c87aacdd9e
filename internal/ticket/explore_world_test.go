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
// of either waits at a gate until it is granted.
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
	calls    []*call   // which wait at the gate
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

// call is a call that waits at the gate.
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

// gate has a call wait. Its effect takes place when it is granted.
func (n *node) gate(ctx context.Context, kind string, do func() string) error {
	aside := n.inFlight() == nil
	n.mu.Lock()
	if n.open {
		do()
		n.mu.Unlock()
		return nil
	}
	if !n.late && ctx.Err() != nil { // a frozen one's clock may have stood still
		n.mu.Unlock()
		return ctx.Err()
	}
	c := &call{kind: kind, ctx: ctx, aside: aside, do: do, passes: n.passes, answer: make(chan error, 1)}
	if !n.dead {
		if kind == "token" {
			n.asksForToken()
		}
		n.calls = append(n.calls, c)
	}
	n.mu.Unlock()
	select {
	case err := <-c.answer:
		return err
	case <-n.end:
		return errEnd
	}
}

// Load implements Store.
func (n *node) Load(ctx context.Context, app string) (Value, error) {
	var v Value
	var r record
	asked, aside := time.Now(), n.inFlight() == nil
	if err := n.gate(ctx, "load", func() string {
		v, _ = n.store.Load(ctx, app)
		v.Now = v.Now.Add(-n.back)
		r = n.record
		if !aside {
			n.history, n.loaded, n.holds = n.history[:0], v.Version, 0
		}
		return fmt.Sprint(v.Version, n.second(v.Now), n.text(&r))
	}); err != nil {
		return Value{}, err
	}
	late := time.Since(asked) > n.app.schedule.storeCall() // and not used
	if r.Pair != nil && !aside && !late {
		n.mu.Lock()
		n.seen = max(n.seen, number(r.Pair.Ticket.Reveal()))
		n.mu.Unlock()
	}
	return v, nil
}

// Swap implements Store.
func (n *node) Swap(ctx context.Context, app string, version uint64, data []byte) (ok bool, err error) {
	refused := false
	err = n.gate(ctx, "swap", func() string {
		if refused = n.refuses; refused {
			if n.refused++; n.refused > 2 && !n.late { // of one that was frozen an error says nothing
				n.breaks("a flight goes on writing to a store that takes no writes")
			}
			return "refused"
		}
		if ok, _ = n.store.Swap(ctx, app, version, data); ok {
			v, _ := n.store.Load(ctx, app)
			s := n.app.seal()
			r, _ := s.open(v.Version, v.Data)
			n.check(n.record, r)
			n.record, n.version = r, v.Version
		}
		return fmt.Sprint(ok)
	})
	if refused && err == nil && !n.c.Conflict {
		err = errors.New("the store takes no writes")
	}
	return ok && err == nil, err
}

// Token implements Issuer.
func (n *node) Token(ctx context.Context) (Credential, error) {
	var token int
	asked := time.Now()
	err := n.gate(ctx, "token", func() string {
		token = n.issue(asked, n)
		return strconv.Itoa(token)
	})
	return Credential{Value: secret.New("token " + strconv.Itoa(token)), Life: 2 * time.Hour}, err
}

// Ticket implements Issuer.
func (n *node) Ticket(ctx context.Context, token secret.Text) (Credential, error) {
	alive := false
	err := n.gate(ctx, "ticket", func() string {
		alive = n.alive(number(token.Reveal()))
		return strconv.FormatBool(alive)
	})
	if err == nil && !alive {
		err = errors.New("the token is not valid")
	}
	return Credential{Value: secret.New("ticket " + strconv.Itoa(number(token.Reveal()))), Life: time.Hour}, err
}

// issue issues a token.
func (w *World) issue(asked time.Time, by *node) int {
	w.tokens = append(w.tokens, issued{asked, time.Now(), by == nil, by})
	return len(w.tokens)
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
