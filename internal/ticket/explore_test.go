package ticket_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/ticket"
)

// TestExplore drives the real code through every interleaving of its steps, within
// bounds, and checks the protocol's invariants in every state that it reaches. There
// is no copy of the protocol: ticket.World holds ticket.Caches.
//
// The model's steps, and what they are in the code:
//   - "A: request": a goroutine calls Do. The upstream answers a query at once: accepted
//     if the pair is alive, and the request not a bad one.
//   - "A: grant load", "swap", "token", "ticket": a call of instance A's to its Store or
//     its Issuer waits until it is granted, then has its effect and is answered. All the
//     code between two such calls is one step: it touches nothing that is shared.
//   - "time": virtual time passes until the next of ticket's moments. While a call waits
//     it cannot, for calls are quick; but the upstream's may take as long as their
//     contexts let them.
//   - "A: crash before/after swap": instance A does nothing any more.
//   - "A: freeze before/after token": the call, or its answer, waits while time passes,
//     past the lease; "A: thaw" ends that. Then "A: fail" and "lose the answer to" are
//     what a call can come to whose time is over by then.
//   - "lose the store": it is empty. "foreign mint": another server has a token issued.
//     "refuse writes": from then on the store answers a Swap with an error, until "take
//     writes". "set the store's clock back": by ten minutes, for good.
//
// When the last moment is reached the run comes to rest: all calls are granted, and
// every instance gets three more requests, an overlap apart.
//
// The invariants: generations in the store only grow, but for its loss, and are in the
// order of the mints; no mint is published over a newer one; there are never two leases
// in force; a holder that lost its lease publishes nothing, and asks for no token; no two
// token calls are in flight at once, unless an instance was frozen or the store was lost;
// no instance signs with a pair past its hard expiry, or older than one it has seen; every
// request ends with an accepted query, unless its instance crashed (and see World.Rest) or
// it is a bad one; it is not replayed once the pair that was renewed for it was rejected;
// no renewal that a request began is under way when Do returns;
// there are no more mints than the faults force, and without a fault exactly one, and no
// query is rejected.
//
// The bounds: one request an instance, and three more at rest. Three instances and every
// single fault, at every step; two instances and every pair of faults; two instances and
// every single fault from a cold start, with two requests each, and with clocks that are
// four minutes apart; three instances with two requests each and no fault; two of which one has bad
// requests, without a fault, for the ceiling that these bring about leaves a foreigner's mint unmet. Three instances
// and all four faults at once are too many states for the code itself: see docs/ticket-protocol.pml.
func TestExplore(t *testing.T) {
	worlds := map[string]ticket.WorldConfig{
		"3 instances":                           {Instances: 3, Requests: 2},
		"2 instances, one fault, wrong clocks":  {Instances: 2, Requests: 1, Faults: 1, Clocks: []time.Duration{2 * time.Minute, -2 * time.Minute}},
		"2 instances, one fault, more requests": {Instances: 2, Requests: 2, Faults: 1},
		"2 instances, one fault, cold":          {Instances: 2, Requests: 1, Faults: 1, Cold: true},
		"3 instances, one fault":                {Instances: 3, Requests: 1, Faults: 1},
		"2 instances, two faults":               {Instances: 2, Requests: 1, Faults: 2},
		"2 instances, a bad request":            {Instances: 2, Requests: 2, Bad: true},
	}
	for name, c := range worlds {
		if raceEnabled && c.Faults > 0 {
			continue // it makes this 40 times slower
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			e := explore(t, c)
			t.Logf("%d states, %d transitions, %d replays of up to %d steps, in %v",
				e.states, e.transitions, e.replays, e.longest, time.Since(start).Round(time.Millisecond))
			if e.broken != nil {
				path, broken := shorten(t, c, e.path)
				t.Errorf("%v, after: %v", broken, path)
			} else if !e.exhausted {
				t.Error("the space was not exhausted")
			}
		})
	}
}

// TestExplorerFinds breaks what the protocol stands on, to see that the explorer would tell.
func TestExplorerFinds(t *testing.T) {
	for name, c := range map[string]ticket.WorldConfig{
		"a lost swap":             {Instances: 2, Requests: 1, Wrap: func(ticket.Store) ticket.Store { return &forgetful{} }},
		"versions that come back": {Instances: 2, Requests: 1, Faults: 1, Repeat: true},
		"an error as a conflict":  {Instances: 2, Requests: 1, Faults: 1, Conflict: true},
		ticket.ForcesAMint:        {Instances: 2, Requests: 1, Faults: 1, Loop: ticket.ForcesAMint},
		ticket.ReplaysTwice:       {Instances: 2, Requests: 1, Bad: true, Loop: ticket.ReplaysTwice},
		ticket.DoesNotWait:        {Instances: 2, Requests: 1, Loop: ticket.DoesNotWait},
	} {
		t.Run(name, func(t *testing.T) {
			e := explore(t, c)
			if e.broken == nil {
				t.Fatal("nothing was found")
			}
			path, broken := shorten(t, c, e.path)
			t.Logf("%v, after: %v", broken, path)
		})
	}
}

// forgetful is a store that overwrites whatever was swapped in meanwhile.
type forgetful struct{ value ticket.Value }

func (f *forgetful) Load(context.Context, string) (ticket.Value, error) {
	v := f.value
	v.Now = time.Now().Round(0)
	return v, nil
}

func (f *forgetful) Swap(_ context.Context, _ string, version uint64, data []byte) (bool, error) {
	f.value = ticket.Value{Version: version + 1, Data: data}
	return true, nil
}

// exploration is what explore found.
type exploration struct {
	states, transitions, replays, longest int
	exhausted                             bool
	broken                                []string
	path                                  []ticket.Action // that leads there
}

// branch is a state on the path, with what can happen there.
type branch struct {
	actions []ticket.Action
	taken   int
}

// explore visits the states of a world depth first. A state cannot be copied: to take
// another branch the path is replayed in a new world. A state that was reached before,
// by whatever path, is not visited again.
func explore(t *testing.T, c ticket.WorldConfig) (r exploration) {
	var path []branch
	seen := map[uint64]struct{}{}
	for r.transitions < 1_000_000 {
		r.replays++
		synctest.Test(t, func(t *testing.T) {
			w := ticket.NewWorld(c)
			defer w.End()
			for _, b := range path {
				w.Do(b.actions[b.taken])
			}
			for len(w.Broken()) == 0 {
				hash := w.Hash()
				if _, known := seen[hash]; known {
					break
				}
				seen[hash] = struct{}{}
				actions := w.Actions()
				if len(actions) == 0 {
					w.Rest()
					break
				}
				path = append(path, branch{actions, 0})
				r.transitions++
				w.Do(actions[0])
			}
			r.broken = w.Broken()
		})
		r.longest = max(r.longest, len(path))
		if r.broken != nil {
			for _, b := range path {
				r.path = append(r.path, b.actions[b.taken])
			}
			break
		}
		for len(path) > 0 && path[len(path)-1].taken == len(path[len(path)-1].actions)-1 {
			path = path[:len(path)-1]
		}
		if len(path) == 0 {
			r.exhausted = true
			break
		}
		path[len(path)-1].taken++
		r.transitions++
	}
	r.states = len(seen)
	return r
}

// shorten drops what is not needed to break an invariant.
func shorten(t *testing.T, c ticket.WorldConfig, path []ticket.Action) ([]ticket.Action, []string) {
	run := func(path []ticket.Action) (broken []string) {
		synctest.Test(t, func(t *testing.T) {
			w := ticket.NewWorld(c)
			defer w.End()
			for _, a := range path {
				if !slices.Contains(w.Actions(), a) {
					return
				}
				w.Do(a)
				if len(w.Broken()) > 0 {
					break
				}
			}
			if len(w.Broken()) == 0 && len(w.Actions()) == 0 {
				w.Rest()
			}
			broken = w.Broken()
		})
		return broken
	}
	broken := run(path)
	for i := 0; i < len(path); {
		shorter := slices.Delete(slices.Clone(path), i, i+1)
		if b := run(shorter); b != nil {
			path, broken, i = shorter, b, 0
		} else {
			i++
		}
	}
	return path, broken
}
