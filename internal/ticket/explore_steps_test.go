package ticket

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Action is a step of the model.
type Action struct {
	Do   string
	Node int // whose, if any's
	Call int // which of its calls
}

func (a Action) String() string { return fmt.Sprintf("%c: %s", 'A'+a.Node, a.Do) }

// Actions returns what can happen next; nothing at the last moment. Of steps that
// commute it returns one order: requests begin before anything else at a moment, for
// they do no more than ask; a ticket call is answered at once or slowly, for it
// concerns nobody else; a store is lost when somebody is asking it, and foreigners
// mint when somebody else is about to; or before time passes.
func (w *World) Actions() (next []Action) {
	if w.moment == len(moments)-1 {
		return nil
	}
	asked, twins := map[string]bool{}, map[string]bool{}
	passes := w.timePasses()
	for i, n := range w.nodes {
		text := string(n.describe(nil))
		if twins[text] || n.dead {
			continue // what it can do, its twin can
		}
		twins[text] = true
		steps := n.steps(i)
		if slices.ContainsFunc(n.calls, n.isNewTicket) {
			next, asked = steps, nil
			break
		}
		for _, c := range n.calls {
			asked[c.kind] = true
		}
		if !w.stirred && n.frozen.IsZero() && len(n.requests) < w.c.Requests && n.idle() {
			next = append(next, Action{Do: "request", Node: i})
		}
		next = append(next, steps...)
	}
	if w.may("lose") && (asked["load"] || asked["swap"] || passes) {
		next = append(next, Action{Do: "lose the store"})
	}
	if w.may("foreign") && (asked["token"] || passes) {
		next = append(next, Action{Do: "foreign mint"})
	}
	if w.may("refuse") && (asked["swap"] || passes) {
		next = append(next, Action{Do: "refuse writes"})
	}
	if w.refuses && passes {
		next = append(next, Action{Do: "take writes"})
	}
	if w.may("set") && (asked["load"] || passes) {
		next = append(next, Action{Do: "set the store's clock back"})
	}
	if passes {
		next = append(next, Action{Do: "time"})
	}
	return next
}

// isNewTicket reports whether c is a ticket call that nobody has left waiting.
func (n *node) isNewTicket(c *call) bool {
	return c.kind == "ticket" && n.frozen.IsZero() && c.passes == n.passes
}

// may reports whether a fault may yet happen. Where a store loses its memory and its clock
// goes back, nothing tells which of two pairs is newer: the two are not combined.
func (w *World) may(fault string) bool {
	if fault == "set" && w.faults["lose"] || fault == "lose" && w.faults["set"] {
		return false
	}
	return len(w.faults) < w.c.Faults && !w.faults[fault]
}

// steps returns what can happen to the calls of an instance. To crash before a call is
// to crash after the previous one.
func (n *node) steps(i int) (next []Action) {
	if !n.frozen.IsZero() {
		if time.Since(n.frozen) > 30*time.Second {
			next = append(next, Action{Do: "thaw", Node: i})
		}
		return next
	}
	for j, c := range n.calls {
		at := func(do string) { next = append(next, Action{do + " " + c.kind, i, j}) }
		writes := !c.done && (c.kind == "token" || c.kind == "swap")
		at("grant")
		if c.ctx.Err() != nil {
			at("fail")
			if writes {
				at("lose the answer to")
			}
		}
		if j > 0 {
			break // one fault at the first of them
		}
		if n.may("crash") && c.kind != "load" {
			at("crash before")
			if c.kind == "swap" && n.holds != 0 {
				at("crash after")
			}
		}
		if n.may("freeze") {
			at("freeze before")
			if c.kind != "ticket" {
				at("freeze after")
			}
		}
	}
	return next
}

// idle reports whether none of its requests is under way.
func (n *node) idle() bool {
	return !slices.ContainsFunc(n.requests, func(r *request) bool { return r.outcome == "" })
}

func (n *node) inFlight() *flight {
	n.app.mu.Lock()
	defer n.app.mu.Unlock()
	return n.app.flight
}

// timePasses reports whether time can pass: calls take none, but for those of the
// upstream, which may take as long as their contexts let them, and those of the frozen.
func (w *World) timePasses() bool {
	next := w.start.Add(moments[w.moment+1])
	for _, n := range w.nodes {
		for _, c := range n.calls {
			deadline, _ := c.ctx.Deadline()
			if n.frozen.IsZero() && (c.kind != "token" && c.kind != "ticket" || deadline.Before(next.Add(time.Second))) {
				return false
			}
		}
	}
	return true
}

// Do lets a happen.
func (w *World) Do(a Action) {
	n, do := w.nodes[a.Node], ""
	fmt.Sscan(a.Do, &do)
	if do != "request" {
		w.stirred = true
	}
	ofCall := slices.Contains([]string{"grant", "fail", "crash", "freeze"}, do) || strings.HasPrefix(a.Do, "lose the answer")
	switch {
	case ofCall && a.Call >= len(n.calls):
		w.breaks("a replay went another way: a wait of the code, which varies by a fifth, ends at one of the moments")
	case do == "request":
		n.begin(n.bad)
	case do == "time":
		w.pass()
	case do == "thaw":
		n.frozen = time.Time{}
	case do == "grant":
		n.grant(a.Call, true, nil)
	case do == "fail":
		n.grant(a.Call, false, context.DeadlineExceeded)
	case strings.HasPrefix(a.Do, "lose the answer"):
		n.grant(a.Call, true, context.DeadlineExceeded)
	case do == "lose":
		w.faults[do] = true
		w.empty()
	case do == "refuse":
		w.faults[do] = true
		w.refuses = true
	case do == "take":
		w.refuses = false
	case do == "set":
		w.faults[do] = true
		w.back = 10 * time.Minute
	case do == "foreign":
		w.faults[do] = true
		w.goOn(time.Millisecond)
		w.issue(time.Now(), nil)
	default:
		w.faults[do] = true
		if strings.HasPrefix(a.Do, do+" after") {
			n.effect(n.calls[0])
		}
		if do == "crash" {
			n.dead, n.calls = true, nil
		} else {
			n.frozen, n.late = time.Now(), true
		}
	}
	for _, n := range w.nodes {
		if flight := n.inFlight(); flight != n.flight {
			n.flight, n.begun, n.refused = flight, time.Now(), 0
			if n.flight == nil {
				n.history, n.loaded, n.holds = nil, 0, 0
			}
		}
	}
}

// effect lets a call have its effect.
func (n *node) effect(c *call) {
	if c.done {
		return
	}
	if c.kind == "token" {
		n.goOn(time.Millisecond) // no two tokens at the same moment
	}
	c.done = true
	if heard := c.do(); !c.aside {
		n.history = append(append(n.history, heard...), ';')
	}
}

// grant lets a call end.
func (n *node) grant(call int, effect bool, err error) {
	c := n.calls[call]
	if effect {
		n.effect(c)
	}
	if err != nil {
		n.history = append(n.history, "failed;"...)
	}
	n.calls = slices.Delete(n.calls, call, call+1)
	c.answer <- err
	n.goOn(0)
}

// pass lets time pass until the next moment, or until the next second in which an
// instance stirs that has slept. One that would but see the same lease goes on sleeping.
func (w *World) pass() {
	next := w.start.Add(moments[w.moment+1])
	w.passes++
	for time.Now().Before(next) {
		calls := w.waiting()
		w.goOn(time.Until(w.start.Add(time.Since(w.start).Truncate(time.Second) + time.Second)))
		for _, n := range w.nodes {
			for i, c := range n.calls {
				if n.frozen.IsZero() && c.kind == "load" && n.loaded == w.version && w.record.leased(w.storeTime()) {
					n.grant(i, true, nil)
					break
				}
			}
		}
		if w.waiting() != calls {
			break
		}
	}
	if !time.Now().Before(next) {
		w.moment++
		w.stirred = false
	}
}

func (w *World) waiting() (calls int) {
	for _, n := range w.nodes {
		if n.frozen.IsZero() {
			calls += len(n.calls)
		}
	}
	return calls
}
