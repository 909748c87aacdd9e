package ticket

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// await has a call wait. Its effect takes place when it is granted.
func (n *node) await(ctx context.Context, kind string, do func() string) error {
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
	if err := n.await(ctx, "load", func() string {
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
	err = n.await(ctx, "swap", func() string {
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
	err := n.await(ctx, "token", func() string {
		token = n.issue(asked, n)
		return strconv.Itoa(token)
	})
	return Credential{Value: secret.New("token " + strconv.Itoa(token)), Life: 2 * time.Hour}, err
}

// Ticket implements Issuer.
func (n *node) Ticket(ctx context.Context, token secret.Text) (Credential, error) {
	alive := false
	err := n.await(ctx, "ticket", func() string {
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
