package ticket_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
)

// refusal is an Issuer's error that says that the secret is not accepted.
type refusal struct{}

func (refusal) Error() string { return "code 400105" }
func (refusal) Refused() bool { return true }

// twoSecrets is the issuers of an app with two secrets, one for each.
type twoSecrets struct{ first, second fakeIssuer }

func newTwoSecrets() *twoSecrets {
	o := &twoSecrets{}
	o.second.tokens = 1000 // so that no two tokens are the same
	return o
}

func (o *twoSecrets) cache(store ticket.Store, log *bytes.Buffer) *ticket.Cache {
	c := ticket.Config{
		Apps: map[string]ticket.App{appID: {
			Issuer: &o.first, Secret: secret.New("canary-first"),
			Next: &ticket.App{Issuer: &o.second, Secret: secret.New("canary-second")},
		}},
		Store: store, Schedule: schedule,
	}
	if log != nil {
		c.Log = slog.New(slog.NewTextHandler(log, nil))
	}
	return ticket.New(c)
}

func (o *twoSecrets) refuse(first, second error) {
	o.first.set(func(d *fakeIssuer) { d.failToken = first })
	o.second.set(func(d *fakeIssuer) { d.failToken = second })
}

func (o *twoSecrets) expectCalls(t *testing.T, first, second int) {
	t.Helper()
	var calls [2]int
	o.first.set(func(d *fakeIssuer) { calls[0] = d.calls })
	o.second.set(func(d *fakeIssuer) { calls[1] = d.calls })
	if calls != [2]int{first, second} {
		t.Errorf("%d token calls, want [%d %d]", calls, first, second)
	}
}

// The vendor goes from the first secret to the second: the pair of the first is rejected, its
// renewal refused, and nobody asks with it again. All instances go over, and stay there.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		store := &ticket.Memory{}
		o := newTwoSecrets()
		o.refuse(nil, refusal{})
		a, b := o.cache(store, &log), o.cache(store, nil)
		p := get(t, a)
		if q := get(t, b); q.Ticket.Reveal() != p.Ticket.Reveal() {
			t.Error("two pairs")
		}
		o.expectCalls(t, 1, 0)

		time.Sleep(5 * time.Minute)
		o.refuse(refusal{}, nil)
		for _, c := range []*ticket.Cache{a, b} {
			next, renewal, err := c.Reject(t.Context(), appID, p)
			renewal.Wait()
			if err != nil || next.Ticket.Reveal() == p.Ticket.Reveal() || next.Forced() {
				t.Fatalf("%v, %v", next, err)
			}
			if get(t, c) != next || c.Status(appID).State != ticket.Fresh {
				t.Error("another pair is in use")
			}
			// A query that was on its way is told the same.
			if again, _, err := c.Reject(t.Context(), appID, p); err != nil || again != next {
				t.Errorf("%v, %v", again, err)
			}
		}
		o.expectCalls(t, 2, 1)
		if b.Status(appID).Source != ticket.Shared {
			t.Error("the second one has the pair from elsewhere")
		}
		if text := log.String(); strings.Count(text, "secret refused") != 1 || strings.Contains(text, "canary") {
			t.Errorf("log:\n%s", text)
		}
		// One that starts now finds the pair that is void, and why there is no other.
		c := o.cache(store, nil)
		if next, _, err := c.Reject(t.Context(), appID, get(t, c)); err != nil || next.Source() != ticket.Shared {
			t.Errorf("%v, %v", next, err)
		}
		o.expectCalls(t, 2, 1)

		time.Sleep(time.Hour)
		get(t, a)
		o.expectCalls(t, 2, 2)
	})
}

// An instance without a pair, and the timer, go over as well.
func TestRotationFromTheStart(t *testing.T) {
	for name, use := range map[string]func(context.Context, *ticket.Cache) error{
		"request": func(ctx context.Context, c *ticket.Cache) error {
			_, renewal, err := c.Get(ctx, appID)
			renewal.Wait()
			return err
		},
		"timer": func(ctx context.Context, c *ticket.Cache) error {
			renewed, err := c.Renew(ctx, appID)
			if err == nil && !renewed {
				err = errors.New("not renewed")
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newTwoSecrets()
				o.refuse(refusal{}, nil)
				c := o.cache(nil, nil)
				if err := use(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				for range 10 {
					time.Sleep(time.Minute)
					get(t, c)
				}
				o.expectCalls(t, 1, 1)
				if renewed, err := c.Renew(t.Context(), appID); renewed || err != nil {
					t.Errorf("%v, %v", renewed, err)
				}
			})
		})
	}
}

// Trouble that is not the secret's is no reason to go over.
func TestRotationOnlyUponARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newTwoSecrets()
		o.refuse(errors.New("throttled"), nil)
		c := o.cache(nil, nil)
		if _, _, err := c.Get(t.Context(), appID); err == nil || err.Error() != "ticket: throttled" {
			t.Errorf("got %v", err)
		}
		o.expectCalls(t, 1, 0)
	})
}

// Where both are refused, that is tried again as seldom as with one, and the one that is accepted
// first is used.
func TestRotationWithoutAGoodSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newTwoSecrets()
		o.refuse(refusal{}, refusal{})
		store := &ticket.Memory{}
		c, other := o.cache(store, nil), o.cache(store, nil)
		for range 100 {
			for _, c := range []*ticket.Cache{c, other} {
				var f *ticket.Failure
				if _, _, err := c.Get(t.Context(), appID); !errors.As(err, &f) || !f.Refused {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Millisecond)
		}
		o.expectCalls(t, 1, 1)
		time.Sleep(time.Minute)
		o.refuse(nil, refusal{})
		p := get(t, c)
		o.expectCalls(t, 2, 1)

		// And back again, should the vendor take the change back.
		o.refuse(refusal{}, nil)
		time.Sleep(time.Minute)
		next, _, err := c.Reject(t.Context(), appID, p)
		if err != nil {
			t.Fatal(err)
		}
		o.refuse(nil, refusal{})
		time.Sleep(time.Minute)
		if _, _, err := c.Reject(t.Context(), appID, next); err != nil {
			t.Error(err)
		}
	})
}
