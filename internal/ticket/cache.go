package ticket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// ErrUnknownApp is returned for an app that the Cache was not made for.
var ErrUnknownApp = errors.New("ticket: unknown app")

// ErrDenied is returned by Reject where another renewal would not help: the pair is
// too young to have been voided, so the fault is in the request.
var ErrDenied = errors.New("ticket: renewed too recently to be renewed upon a rejection")

// Failure says that there is no pair and that one could not be had.
type Failure struct {
	Reason  string // fit for the log and for callers
	Refused bool   // the upstream does not accept the app's secret
	Err     error  // the Issuer's error; nil where another instance met it
}

func (f *Failure) Error() string { return "ticket: " + f.Reason }
func (f *Failure) Unwrap() error { return f.Err }

// App is an app that pairs are wanted for.
type App struct {
	Issuer Issuer
	Secret secret.Text // what is stored is sealed with it
	// Next is the same app with another secret, to go over to when the upstream refuses
	// this one; nil: there is none. Its own Next does not count.
	Next *App
}

// Config configures a Cache.
type Config struct {
	Apps     map[string]App // by app id
	Store    Store          // nil: a Memory
	Schedule Schedule
	Log      *slog.Logger // nil: none
}

// Cache gives out the pairs of some apps, shared with other instances through a
// Store. It is safe for concurrent use and starts goroutines only on behalf of
// a caller, who is handed a Renewal to wait for.
type Cache struct {
	apps map[string]*rotation
}

// New returns a Cache that has no pair yet.
func New(c Config) *Cache {
	if c.Store == nil {
		c.Store = &Memory{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	cache := &Cache{apps: make(map[string]*rotation, len(c.Apps))}
	slots := make(chan struct{}, StoreCalls)
	for id, of := range c.Apps {
		first, second := c.app(id, of, slots), (*app)(nil)
		if of.Next != nil {
			second = c.app(id, *of.Next, slots)
		}
		cache.apps[id] = newRotation(first, second)
	}
	return cache
}

func (c *Config) app(id string, of App, slots chan struct{}) *app {
	return &app{
		id:       id,
		issuer:   of.Issuer,
		store:    c.Store,
		slots:    slots,
		schedule: c.Schedule,
		log:      c.Log.With("app_id", id),
		seal:     sync.OnceValue(func() seal { return newSeal(id, of.Secret) }),
	}
}

// Renewal is a renewal in flight that the caller began. It outlives the caller's
// request to the Cache, but must not outlive the caller's invocation: an
// instance may be frozen right after it.
type Renewal struct {
	done     chan struct{} // closed when it ended
	looked   chan struct{} // closed when the store was asked
	rejected secret.Text   // the ticket whose rejection began it; empty: none

	// Set before done is closed.
	minted bool
	err    error
}

// Wait blocks until the renewal ended, within its own time limit. A nil Renewal
// has ended.
func (r *Renewal) Wait() {
	if r != nil {
		<-r.done
	}
}

// view is what an instance knows about an app, published as one.
type view struct {
	pair *Pair
	look int64 // wall clock: when to look at the store again; never after the pair's expiry
}

// app is the state of one app, with one secret, in this instance.
type app struct {
	id       string
	issuer   Issuer
	store    Store
	slots    chan struct{} // held during a call of the store, of all apps
	schedule Schedule
	log      *slog.Logger
	seal     func() seal   // made at first use
	clock    time.Duration // by how much a test lets this instance's clock be wrong

	view atomic.Pointer[view]

	mu     sync.Mutex
	flight *Renewal // nil: none

	// Of the flight alone.
	skew    time.Duration // store's clock minus ours, as last seen
	lastErr error         // of the last renewal that failed here

	// Of the flight alone, without the store.
	refuses bool      // it took no write when it was last asked to
	failure *failure  // of the last renewal, if it failed
	pending *pending  // a token whose ticket could not be had
	forced  int       // mints upon a rejection in a row
	hold    time.Time // by the store's clock: no other such mint before
}

// Get returns a pair to sign with. A fresh one costs an atomic load. A stale one is
// returned as well, and one caller is elected to renew it meanwhile: that caller
// gets the Renewal, and must Wait for it before its invocation ends, also after
// an error. Where there is no pair Get blocks until there is one, the renewal
// failed (*Failure) or ctx ended.
func (c *Cache) Get(ctx context.Context, appID string) (*Pair, *Renewal, error) {
	r := c.apps[appID]
	if r == nil {
		return nil, nil, ErrUnknownApp
	}
	a := r.current.Load()
	if v := a.view.Load(); v != nil && time.Now().UnixNano()+int64(a.clock) < v.look {
		return v.pair, nil, nil
	}
	return r.use(func(a *app) (*Pair, *Renewal, error) { return a.get(ctx) })
}

func (a *app) get(ctx context.Context) (*Pair, *Renewal, error) {
	for {
		flight, begun := a.join(ctx, secret.Text{})
		var mine *Renewal
		if begun {
			mine = flight
		}
		now := a.wall()
		p := a.pair()
		if p.State(now) == Stale && now.UnixNano() >= p.renew+int64(a.schedule.Overlap/2) {
			// Had others renewed it, it would be dead by now: look first.
			if err := await(ctx, flight.looked); err != nil {
				return nil, mine, err
			}
			p = a.pair()
		}
		if p.State(now) == Stale && p.shared.Doubtful {
			// Perhaps it is void: better a new one, if that can be had soon.
			patience, cancel := context.WithTimeout(ctx, a.schedule.storeCall())
			_ = await(patience, flight.done)
			cancel()
			if err := ctx.Err(); err != nil {
				return nil, mine, err
			}
			p = a.pair()
		}
		if p.State(a.wall()) != Absent {
			return p, mine, nil
		}
		if err := await(ctx, flight.done); err != nil {
			return nil, mine, err
		}
		if p = a.pair(); p.State(a.wall()) != Absent {
			return p, mine, nil
		}
		if flight.err != nil && !errors.Is(flight.err, errOutOfTime) {
			return nil, mine, flight.err
		}
		if err := ctx.Err(); err != nil {
			return nil, mine, err
		}
		// The pair expired while the flight was on its way; or the flight's time ended, which
		// may have been that of another caller.
	}
}

// Reject reports that the upstream rejected p, and returns another pair to ask with
// once more. Where somebody has renewed it already that one is returned; an
// unchanged one is renewed, unless that was done too recently to help
// (ErrDenied). The Renewal is as with Get.
func (c *Cache) Reject(ctx context.Context, appID string, p *Pair) (*Pair, *Renewal, error) {
	r := c.apps[appID]
	if r == nil {
		return nil, nil, ErrUnknownApp
	}
	return r.use(func(a *app) (*Pair, *Renewal, error) { return a.reject(ctx, p) })
}

// reject does not mind whether p was of this secret.
func (a *app) reject(ctx context.Context, p *Pair) (*Pair, *Renewal, error) {
	for {
		if current := a.pair(); current.State(a.wall()) != Absent && !current.is(p) {
			return current, nil, nil
		}
		flight, begun := a.join(ctx, p.Ticket)
		var mine *Renewal
		if begun {
			mine = flight
		}
		if err := await(ctx, flight.done); err != nil {
			return nil, mine, err
		}
		if current := a.pair(); current.State(a.wall()) != Absent && !current.is(p) {
			return current, mine, nil
		}
		if flight.rejected.Equal(p.Ticket) && flight.err != nil && !errors.Is(flight.err, errOutOfTime) {
			return nil, mine, flight.err
		}
		if err := ctx.Err(); err != nil {
			return nil, mine, err
		}
		// A renewal that did not know of the rejection: now one that does. Or as with Get.
	}
}

// Futile reports that p, which Reject returned, was rejected as well. It slows down
// what further rejections can cause.
func (c *Cache) Futile(ctx context.Context, appID string, p *Pair) {
	if r := c.apps[appID]; r != nil && p.shared.Forced && !p.futile.Swap(true) {
		r.current.Load().mark(ctx, p, func(s *shared) { s.Futile = true })
	}
}

// prove notes that p, which was minted upon a rejection, was accepted by the request that
// was rejected before: the next one starts a new row.
func (c *Cache) prove(ctx context.Context, appID string, p *Pair) {
	if !p.shared.Proved && !p.proved.Swap(true) {
		c.apps[appID].current.Load().mark(ctx, p, func(s *shared) { s.Proved = true })
	}
}

// Renew renews the pair of an app if that is due, and reports whether it did. It
// blocks until that is done.
func (c *Cache) Renew(ctx context.Context, appID string) (renewed bool, err error) {
	r := c.apps[appID]
	if r == nil {
		return false, ErrUnknownApp
	}
	_, _, err = r.use(func(a *app) (*Pair, *Renewal, error) {
		if v := a.view.Load(); v != nil && a.wall().UnixNano() < v.look {
			renewed = false
			return v.pair, nil, nil
		}
		flight, _ := a.join(ctx, secret.Text{})
		flight.Wait()
		renewed = flight.minted
		return nil, nil, flight.err
	})
	return renewed, err
}

// Status is what this instance knows about an app's pair.
type Status struct {
	State  State
	Age    time.Duration // 0 where absent
	Source Source        // "" where absent
}

// Status tells what this instance knows, without asking anybody.
func (c *Cache) Status(appID string) Status {
	r := c.apps[appID]
	if r == nil {
		return Status{State: Absent}
	}
	a := r.current.Load()
	now, p := a.wall(), a.pair()
	state := p.State(now)
	if state == Absent {
		return Status{State: Absent}
	}
	return Status{State: state, Age: p.Age(now), Source: p.Source}
}

// wall is this instance's wall clock, without a monotonic reading.
func (a *app) wall() time.Time { return time.Now().Add(a.clock).Round(0) }

func (a *app) pair() *Pair {
	if v := a.view.Load(); v != nil {
		return v.pair
	}
	return nil
}

// join returns the flight in progress, or begins one.
func (a *app) join(ctx context.Context, rejected secret.Text) (flight *Renewal, begun bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.flight != nil {
		return a.flight, false
	}
	flight = &Renewal{done: make(chan struct{}), looked: make(chan struct{}), rejected: rejected}
	a.flight = flight

	// It serves all who wait for it: the caller's going away does not end it, the
	// end of the caller's invocation does.
	limit := time.Now().Add(2 * a.schedule.lease())
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(limit) {
		limit = deadline
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), limit)
	go func() {
		defer cancel()
		defer a.land(flight)
		flight.minted, flight.err = a.fly(ctx, flight)
	}()
	return flight, true
}

// land ends a flight. A panic in it is an error of those who wait, not the end of
// the process.
func (a *app) land(flight *Renewal) {
	if r := recover(); r != nil {
		flight.err = fmt.Errorf("ticket: renewal panicked (%T)", r)
		a.log.Error("ticket renewal panicked", "type", fmt.Sprintf("%T", r))
	}
	flight.see()
	a.mu.Lock()
	a.flight = nil
	a.mu.Unlock()
	close(flight.done)
}

// see closes looked, once.
func (r *Renewal) see() {
	select {
	case <-r.looked:
	default:
		close(r.looked)
	}
}

// await blocks until done is ready or ctx ended; where both are, done counts.
func await[T any](ctx context.Context, done <-chan T) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		select {
		case <-done:
			return nil
		default:
			return ctx.Err()
		}
	}
}
