package war

import (
	"context"
	"sync"
)

// Kind is a kind of event.
type Kind string

// The kinds of event. The fields that each has are in brackets.
const (
	RunBegan Kind = "run"      // a run began [Policy, Instances, Minute, Overlap, Refresh]
	Query    Kind = "query"    // an instance was asked [Instance, OK, Why, Pair]
	PairLife Kind = "pair"     // a pair was fetched, or its end is known now [Instance, Pair, Replaced, Until]
	State    Kind = "instance" // an instance started, was frozen, thawed or killed [Instance, State]
	StoreIs  Kind = "store"    // the store was stopped or started [Up]
	Count    Kind = "figures"  // the figures so far [Figures]
)

// foreigner is the Instance of a pair that a server which is none of the instances fetched.
const foreigner = -1

// Event is what happened. Its times are milliseconds since the run began. Events of a kind come in the
// order in which they happened; a pair's Until is corrected by a later event with the same Pair.
type Event struct {
	Kind     Kind  `json:"kind"`
	At       int64 `json:"at"`
	Instance int   `json:"instance"`

	OK  bool   `json:"ok,omitempty"`
	Why string `json:"why,omitempty"` // a failed query's code, of the upstream or of the handler

	Pair     int   `json:"pair,omitempty"`     // numbered from 1; of a query the one that signed it last, 0: none known
	Replaced int64 `json:"replaced,omitempty"` // when a newer one was fetched; 0: not yet
	Until    int64 `json:"until,omitempty"`    // when the upstream ends it

	State string `json:"state,omitempty"` // up, frozen or killed
	Up    bool   `json:"up,omitempty"`

	Policy    Policy `json:"policy,omitempty"`
	Instances int    `json:"instances,omitempty"`
	Minute    int64  `json:"minute,omitempty"`
	Overlap   int64  `json:"overlap,omitempty"`
	Refresh   int64  `json:"refresh,omitempty"`

	Figures *Figures `json:"figures,omitempty"`
}

// Figures are what a run came to since all of its instances were there.
type Figures struct {
	Minutes      float64 `json:"minutes"` // of the vendor's time
	Queries      int     `json:"queries"`
	Failed       int     `json:"failed"`
	Mints        int     `json:"mints"`        // tokens fetched by the instances
	FailedShare  float64 `json:"failedShare"`  // of the queries, 0 to 1
	MintsPerHour float64 `json:"mintsPerHour"` // of the vendor's time
}

// What is kept for those who come later, and how far one who reads may fall behind.
const (
	keptQueries = 2000
	keptPairs   = 200
	keptChanges = 200
	mostBehind  = 1000
)

// stream hands events to whoever watches, and keeps the latest.
type stream struct {
	mu       sync.Mutex
	run      []Event // none, or the event of its beginning
	changes  []Event // of instances and of the store
	pairs    []Event
	queries  []Event
	figures  []Event
	watchers map[chan Event]struct{}
}

// begin forgets all that was, for a new run.
func (s *stream) begin(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = []Event{e}
	s.changes, s.pairs, s.queries, s.figures = nil, nil, nil, nil
	s.hand(e)
}

func (s *stream) send(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Kind {
	case Query:
		s.queries = latest(append(s.queries, e), keptQueries)
	case PairLife:
		s.keep(e)
	case State, StoreIs:
		s.changes = latest(append(s.changes, e), keptChanges)
	case Count:
		s.figures = []Event{e}
	}
	s.hand(e)
}

// keep keeps a pair, or what is newly known of it.
func (s *stream) keep(e Event) {
	for i := range s.pairs {
		if s.pairs[i].Pair == e.Pair {
			s.pairs[i] = e
			return
		}
	}
	s.pairs = latest(append(s.pairs, e), keptPairs)
}

func latest(events []Event, most int) []Event { return events[max(0, len(events)-most):] }

// hand gives an event to all watchers; one who is too far behind is let go, and comes back for the
// whole.
func (s *stream) hand(e Event) {
	for c := range s.watchers {
		select {
		case c <- e:
		default:
			delete(s.watchers, c)
			close(c)
		}
	}
}

func (s *stream) subscribe(ctx context.Context) (past []Event, events <-chan Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kept := range [][]Event{s.run, s.changes, s.pairs, s.queries, s.figures} {
		past = append(past, kept...)
	}
	c := make(chan Event, mostBehind)
	if s.watchers == nil {
		s.watchers = map[chan Event]struct{}{}
	}
	s.watchers[c] = struct{}{}
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, watches := s.watchers[c]; watches {
			delete(s.watchers, c)
			close(c)
		}
	})
	return past, c
}

func (s *stream) latest() Figures {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.figures) == 0 {
		return Figures{}
	}
	return *s.figures[0].Figures
}
