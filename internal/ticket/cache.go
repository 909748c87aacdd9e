package ticket

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// ErrUnknownApp is returned for an app that the Cache was not made for.
var ErrUnknownApp = errors.New("ticket: unknown app")

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
// Store. It is safe for concurrent use. It starts goroutines only on behalf of a
// caller, and none of them outlives the call.
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

// Renew renews the pair of an app if that is due, and reports whether it did. It
// blocks until that is done.
func (c *Cache) Renew(ctx context.Context, appID string) (renewed bool, err error) {
	r := c.apps[appID]
	if r == nil {
		return false, ErrUnknownApp
	}
	_, _, err = r.use(func(a *app) (*Pair, *flight, error) {
		renewed, err = a.renewDue(ctx)
		return nil, nil, err
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
	if r := c.apps[appID]; r != nil {
		return r.status()
	}
	return Status{State: Absent}
}
