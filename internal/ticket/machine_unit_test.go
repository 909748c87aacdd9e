package ticket_test

import (
	"context"
	"errors"
	"strconv"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
)

// unit is an instance, with its ways to the store and to the upstream.
type unit struct {
	*machine
	*process
	cache  *ticket.Cache
	clock  time.Duration // is wrong by it
	doomed bool          // dies in its next call
	seen   int           // the newest mint that it has seen
	sees   int           // … since seesAt
	seesAt time.Time
}

// die ends an instance. Another takes its place.
func (u *unit) die() {
	if u.isDead() {
		return
	}
	u.kill()
	for n, other := range u.all {
		if u == other {
			u.all[n] = u.start(u.clock)
		}
	}
}

// ask makes a request. The queries of a bad one are rejected whatever the ticket.
func (u *unit) ask(bad bool) string {
	accepted, known := false, u.newest()
	_, err := u.cache.Do(context.Background(), appID, func(p *ticket.Pair) (rejected bool, err error) {
		accepted = u.query(p, known) && !bad
		known = u.newest()
		return !accepted, nil
	})
	switch {
	case err != nil:
		return err.Error()
	case !accepted:
		return "rejected"
	}
	return "accepted"
}

// newest returns the newest mint that the instance has seen before this moment. What it
// is just reading may not have arrived.
func (u *unit) newest() int {
	u.machine.mu.Lock()
	defer u.machine.mu.Unlock()
	if time.Now().After(u.seesAt) {
		u.seen = u.sees
	}
	return u.seen
}

// query asks with a pair, which must be neither dead nor older than one known before.
func (u *unit) query(p *ticket.Pair, known int) (accepted bool) {
	u.machine.mu.Lock()
	defer u.machine.mu.Unlock()
	select {
	case <-u.machine.ended.Done():
		return false
	default:
	}
	number := mintOf(p.Ticket.Reveal())
	if p.State(time.Now().Add(u.clock)) == ticket.Absent {
		u.breaks("signed with mint %d past its hard expiry", number)
	}
	if known > 0 && u.newer(known, number) {
		u.breaks("signed with mint %d after mint %d was seen", number, known)
	}
	accepted = number == len(u.mints) || time.Since(u.mints[number].at) < schedule.Overlap
	u.queries++
	if !accepted {
		u.rejected++
	}
	return accepted
}

// call is the way to the store or the upstream, or back.
func (u *unit) call(ctx context.Context, takes time.Duration) error {
	err := sleep(ctx, takes)
	u.machine.mu.Lock()
	if u.doomed {
		u.doomed = false
		u.die()
	}
	u.machine.mu.Unlock()
	if err := u.pass(); err != nil {
		return err
	}
	return err
}

// Load implements ticket.Store.
func (u *unit) Load(ctx context.Context, app string) (v ticket.Value, err error) {
	aside := !u.cache.InFlight(appID) // a mark: it adopts nothing
	if err := u.call(ctx, 5*time.Millisecond); err != nil {
		return v, err
	}
	u.set(func() {
		if u.down {
			err = errors.New("the store is down")
			return
		}
		v, err = u.store.Load(ctx, app)
		v.Version += u.lost
	})
	if e := u.call(ctx, 5*time.Millisecond); e != nil || err != nil {
		return v, errors.Join(e, err)
	}
	if s := ticket.Open(appID, appSecret, v); s.Ticket != "" && !aside {
		u.newest()
		u.set(func() { u.sees, u.seesAt = max(u.sees, mintOf(s.Ticket)), time.Now() })
	}
	return v, nil
}

// Swap implements ticket.Store.
func (u *unit) Swap(ctx context.Context, app string, version uint64, data []byte) (ok bool, err error) {
	if err := u.call(ctx, 5*time.Millisecond); err != nil {
		return false, err
	}
	u.set(func() {
		if u.down || u.readOnly {
			err = errors.New("the store takes no writes")
			return
		}
		if ok, err = u.store.Swap(ctx, app, version-u.lost, data); ok {
			u.check(ticket.Open(appID, appSecret, ticket.Value{Version: version + 1, Data: data}))
		}
	})
	if e := u.call(ctx, 5*time.Millisecond); e != nil || err != nil {
		return false, errors.Join(e, err)
	}
	return ok, nil
}

// Token implements ticket.Issuer.
func (u *unit) Token(ctx context.Context) (c secret.Credential, err error) {
	asked := time.Now()
	return u.answer(ctx, u.issuing(&u.token), func() string {
		recent := 0
		for _, m := range u.mints {
			if m.by == u && time.Since(m.at) < schedule.Overlap {
				recent++
			}
		}
		if recent >= 2 && !u.cut {
			u.breaks("%d tokens by one instance within an overlap", recent+1)
		}
		u.mints = append(u.mints, mint{asked: asked, at: time.Now(), by: u})
		return "token " + strconv.Itoa(len(u.mints))
	}, 2*time.Hour)
}

// Ticket implements ticket.Issuer.
func (u *unit) Ticket(ctx context.Context, token secret.Text) (secret.Credential, error) {
	return u.answer(ctx, u.issuing(&u.ticket), func() string {
		return "ticket " + strconv.Itoa(mintOf(token.Reveal()))
	}, time.Hour)
}

func (m *machine) issuing(f *fault) fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *f
}

func (u *unit) answer(ctx context.Context, f fault, issue func() string, life time.Duration) (c secret.Credential, err error) {
	if f == hangs {
		<-ctx.Done()
	}
	if err := u.call(ctx, 50*time.Millisecond); err != nil {
		return c, err
	}
	if f == refuses {
		return c, errors.New("refused")
	}
	u.set(func() { c = secret.Credential{Value: secret.New(issue()), Life: life} })
	return c, u.call(ctx, 50*time.Millisecond)
}
