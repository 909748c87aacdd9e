package delivery

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// The table: an event comes while one sink has a fault. Then something is done about it,
// and the event comes again.
var (
	tableSinks = [][]string{
		{"archive1"}, {"archive1", "archive2"}, {"hook1"}, {"hook1", "hook2"},
		{"archive1", "hook1"}, {"archive1", "hook1", "hook2"},
		{"archive1", "archive2", "hook1"}, {"archive1", "archive2", "hook1", "hook2"},
	}
	tableFaults = []string{"unreachable", "404", "500", "timeout", "wrong signature", "mark unreadable", "mark not writable"}
	tableThens  = []string{
		"as it is",  // the sink still has its fault
		"healed",    // it has none any more
		"corrected", // DELIVER_TO names another in its place, which has none
		"removed",   // DELIVER_TO names the others alone
	}
)

// TestDeliveryTable runs every combination. In none is success said while somebody was
// not told, and in each the order reaches everybody once all is well again.
func TestDeliveryTable(t *testing.T) {
	var table strings.Builder
	row := func(cells ...any) { fmt.Fprintf(&table, "%-34s %-9s %-18s %-10s %-10s %-10s %s\n", cells...) }
	row("sinks", "fault in", "fault", "as it is", "healed", "corrected", "removed")
	cells := 0
	for _, sinks := range tableSinks {
		for _, bad := range sinks {
			for _, fault := range tableFaults {
				if strings.HasPrefix(fault, "mark") && !isArchive(bad) {
					continue
				}
				line := []any{strings.Join(sinks, " "), bad, fault}
				for _, then := range tableThens {
					said := "-"
					if then != "removed" || len(sinks) > 1 {
						cells++
						synctest.Test(t, func(t *testing.T) { said = newCell(t, sinks, bad, fault).run(then) })
					}
					line = append(line, said)
				}
				row(line...)
			}
		}
	}
	t.Logf("%d cells: what the event that came again said\n%s", cells, &table)
}

// cell is one combination.
type cell struct {
	*network
	t     *testing.T
	name  string
	sinks []string
	bad   string
	fault string
}

func newCell(t *testing.T, sinks []string, bad, fault string) *cell {
	c := &cell{newNetwork(t), t, strings.Join(sinks, " ") + ": " + bad + ": " + fault, sinks, bad, fault}
	for _, name := range append(slices.Clone(sinks), bad+"-right") {
		c.add(name)
	}
	return c
}

// run runs the cell and returns what the second event said.
func (c *cell) run(then string) string {
	c.name += ": " + then
	c.setFault(c.bad, c.fault)
	others := slices.DeleteFunc(slices.Clone(c.sinks), func(name string) bool { return name == c.bad })
	// A mark matters where somebody else fails.
	if strings.HasPrefix(c.fault, "mark") {
		for _, name := range others {
			c.setFault(name, "404")
		}
	}
	c.event(c.sinks)
	for _, name := range others {
		c.setFault(name, "")
	}

	names := slices.Clone(c.sinks)
	switch then {
	case "healed":
		c.setFault(c.bad, "")
	case "corrected":
		names[slices.Index(names, c.bad)] = c.bad + "-right"
	case "removed":
		names = others
	}
	said := c.event(names)
	hasArchive := slices.ContainsFunc(names, isArchive)
	switch {
	case said == "kept":
		if then != "removed" || isArchive(c.bad) || !c.marked("archive1", testOrder) {
			c.t.Errorf("%s: kept", c.name)
		}
	case then == "removed" && !isArchive(c.bad) && hasArchive:
		c.t.Errorf("%s: %s, although the one that is gone was not told", c.name, said)
	case then != "as it is" && said == "fails":
		c.t.Errorf("%s: it fails still", c.name)
	}

	// All is well again, with everybody that was configured at first.
	c.setFault(c.bad, "")
	if then == "removed" {
		names = c.sinks
	}
	if said := c.event(names); said == "fails" || said == "kept" {
		c.t.Errorf("%s: %s at the end", c.name, said)
	}
	for _, name := range names {
		if !c.reached(name, testOrder) {
			c.t.Errorf("%s: %s was never reached", c.name, name)
		}
		if c.marked(name, testOrder) {
			c.t.Errorf("%s: the mark in %s is left", c.name, name)
		}
	}
	return said
}

// event is what happens upon an event, with these sinks configured. Whatever it says, it
// must be so.
func (c *cell) event(names []string) (said string) {
	s := c.open(c.t, names)
	defer s.Close()
	p, err := s.Check(c.t.Context(), testOrder)
	switch {
	case err != nil:
		return "fails"
	case p == nil:
		said = "skipped"
	case p.Archived():
		said, err = "told", p.Tell(c.t.Context())
	default:
		said, err = "delivered", p.Deliver(c.t.Context(), testParcel())
	}
	if err != nil && !errors.Is(err, ErrGone) {
		_ = p.Postpone(c.t.Context()) // as the batch does
		return "fails"
	}
	for _, name := range names {
		if !c.reached(name, testOrder) {
			c.t.Errorf("%s: %s, but %s was not reached", c.name, said, name)
		}
	}
	if err != nil {
		return "kept"
	}
	return said
}
