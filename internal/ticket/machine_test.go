package ticket_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
)

// operation is one of a list that a machine goes through.
type operation struct {
	Do    string
	On    int           // an instance
	For   time.Duration // a freeze
	After time.Duration // until the next one
}

var (
	harmless = []string{"nothing", "request", "request", "request", "bad request", "foreign mint"}
	faulty   = append(slices.Clone(harmless), "freeze", "crash", "crash in a call", "lose the store", "store down", "store takes no writes", "store up",
		"tokens fail", "tickets fail", "tokens hang", "issuer works", "issuer works")
	spans = []time.Duration{0, 5 * time.Millisecond, 100 * time.Millisecond, time.Second, 5 * time.Second,
		13 * time.Second, 31 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute}
)

const instances = 4

func operations(kinds []string) *rapid.Generator[[]operation] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) operation {
		return operation{
			Do:    rapid.SampledFrom(kinds).Draw(t, "do"),
			On:    rapid.IntRange(0, instances-1).Draw(t, "on"),
			For:   rapid.SampledFrom(spans[4:9]).Draw(t, "for"),
			After: rapid.SampledFrom(spans).Draw(t, "after"),
		}
	}), 60, 60)
}

// checkMachine runs lists of operations: each is drawn first, for it runs in a bubble
// of its own.
func checkMachine(t *testing.T, kinds []string, finish func(*machine)) {
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		number := "1000"
		if raceEnabled {
			number = "50"
		}
		flag.Set(checks.Name, number)
		defer flag.Set(checks.Name, checks.DefValue)
	}
	flag.Set("rapid.nofailfile", "true")
	var queries, rejected, mints int
	defer func() { t.Logf("%d queries, %d rejected, %d mints", queries, rejected, mints) }()
	rapid.Check(t, func(r *rapid.T) {
		list := operations(kinds).Draw(r, "operations")
		var broken []string
		synctest.Test(t, func(*testing.T) {
			m := newMachine()
			for _, o := range list {
				m.do(o)
				time.Sleep(o.After)
			}
			finish(m)
			broken = m.end()
			queries, rejected, mints = queries+m.queries, rejected+m.rejected, mints+len(m.mints)
		})
		if broken != nil {
			r.Fatal(strings.Join(broken, "\n"))
		}
	})
}

// TestMachine has a few instances go through whatever can happen to them, in any order,
// and checks that generations only grow, that no instance signs with a pair it knows to
// be dead, that no two leases are in force at once, that mints stay under the ceiling,
// and that in the end, with all healed, every instance has a pair that is accepted.
//
// An instance has a due pair and one upon a rejection minted, and nothing more within an
// overlap. Where it is cut off from the store it knows neither what others had minted nor
// the token that it had issued and whose ticket failed: that is not bounded here.
func TestMachine(t *testing.T) {
	checkMachine(t, faulty, func(m *machine) {
		m.set(func() {
			m.down, m.readOnly, m.token, m.ticket = false, false, works, works
			for _, u := range m.all {
				u.doomed = false
			}
		})
		time.Sleep(20 * time.Minute) // what is frozen thaws, what failed is tried again
		for round := range 2 {
			for _, i := range m.all {
				outcome := i.ask(false)
				if round == 1 && outcome != "accepted" {
					m.set(func() { m.breaks("in the end a request: %s", outcome) })
				}
				time.Sleep(time.Minute)
			}
		}
	})
}

// TestMachineOfRejections has nothing happen but rejections, deserved and not. With all
// instances and the store in order the ceiling holds at the upstream: two mints upon a
// rejection are at least an overlap apart, after a futile one half a refresh, and
// others come when they are due.
func TestMachineOfRejections(t *testing.T) {
	checkMachine(t, harmless, func(m *machine) {
		m.requests.Wait()
		var last mint
		for _, now := range m.mints {
			if now.foreign {
				continue
			}
			wait := schedule.Refresh
			if now.forced {
				wait = 0
				if last.forced {
					wait = schedule.Overlap
				}
				if last.futile {
					wait = schedule.Refresh / 2
				}
			}
			if !last.at.IsZero() && now.asked.Sub(last.asked) < wait {
				m.breaks("%+v minted after %+v", now, last)
			}
			last = now
		}
	})
}

// mint is a token that the upstream issued.
type mint struct {
	asked, at      time.Time
	by             *unit
	foreign        bool
	forced, futile bool // as published
}

// machine is a number of instances, a store and an upstream. Calls take some
// milliseconds, both ways.
type machine struct {
	mu                sync.Mutex
	ended             context.Context
	finish            context.CancelFunc
	requests          sync.WaitGroup
	all               []*unit
	store             *ticket.Memory
	stored            ticket.Stored
	lost              uint64 // added to the versions: a store that lost its memory begins at others
	down, readOnly    bool
	cut               bool // some instance was cut off from what the store knew
	token, ticket     fault
	mints             []mint
	queries, rejected int
	broken            []string
}

func newMachine() *machine {
	m := &machine{store: &ticket.Memory{}}
	m.ended, m.finish = context.WithCancel(context.Background())
	for n := range instances {
		m.all = append(m.all, m.start(time.Duration(n-1)*time.Minute))
	}
	return m
}

func (m *machine) start(clock time.Duration) *unit {
	u := &unit{machine: m, clock: clock, process: newProcess(m.ended)}
	u.cache = ticket.New(ticket.Config{
		Apps:     map[string]ticket.App{appID: {Issuer: u, Secret: secret.New(appSecret)}},
		Store:    u,
		Schedule: schedule,
	})
	u.cache.SetClock(clock)
	return u
}

func (m *machine) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

func (m *machine) breaks(format string, args ...any) {
	m.broken = append(m.broken, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

func (m *machine) do(o operation) {
	m.set(func() {
		u := m.all[o.On]
		switch o.Do {
		case "request", "bad request":
			m.requests.Go(func() { u.ask(o.Do == "bad request") })
		case "freeze":
			u.freeze(o.For)
			m.cut = true // its calls fail meanwhile
		case "crash in a call":
			u.doomed = true
		case "crash":
			u.die()
		case "lose the store":
			m.store, m.stored, m.lost = &ticket.Memory{}, ticket.Stored{}, m.lost+1000
			m.cut = true
		case "store down":
			m.down, m.cut = true, true
		case "store takes no writes":
			m.readOnly, m.cut = true, true
		case "store up":
			m.down, m.readOnly = false, false
		case "tokens fail":
			m.token = refuses
		case "tokens hang":
			m.token = hangs
		case "tickets fail":
			m.ticket = refuses
		case "issuer works":
			m.token, m.ticket = works, works
		case "foreign mint":
			m.mints = append(m.mints, mint{asked: time.Now(), at: time.Now(), foreign: true})
		}
	})
}

// end has all that is under way fail, and returns what was broken.
func (m *machine) end() []string {
	m.finish()
	m.requests.Wait()
	time.Sleep(time.Hour) // of the frozen, too
	return m.broken
}

// newer reports whether a mint was asked for after another had taken place.
func (m *machine) newer(mint, than int) bool {
	return m.mints[mint-1].asked.After(m.mints[than-1].at)
}

func mintOf(text string) int {
	n, _ := strconv.Atoi(text[strings.LastIndexByte(text, ' ')+1:])
	return n
}

// check checks what was stored. Two mints upon a rejection keep their distance, unless
// an instance did not know of the other's.
func (m *machine) check(s ticket.Stored) {
	before := m.stored
	m.stored = s
	if s.Generation < before.Generation {
		m.breaks("generation %d after %d", s.Generation, before.Generation)
	}
	if s.Holder != "" && before.Holder != "" && s.Holder != before.Holder && time.Now().Before(before.Until) {
		m.breaks("two leases at once")
	}
	if s.Ticket == "" {
		return
	}
	issued := &m.mints[mintOf(s.Ticket)-1]
	issued.forced, issued.futile = s.Forced, s.Futile
	if before.Forced && s.Forced && s.Ticket != before.Ticket && !m.cut {
		apart := schedule.Overlap
		if before.Futile {
			apart = schedule.Refresh / 2
		}
		if s.Minted.Sub(before.Minted) < apart {
			m.breaks("forced mints %v apart", s.Minted.Sub(before.Minted))
		}
	}
}
