package ticket_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
)

// Who hangs up during the renewal that his rejection forces is not better off than who
// waits: the row of forced mints counts, whatever became of the requests.
func TestHangingUpCountsAgainstTheCeiling(t *testing.T) {
	for _, others := range []bool{false, true} { // requests that succeed, beside it
		synctest.Test(t, func(t *testing.T) {
			d, store := &fakeIssuer{takes: 100 * time.Millisecond}, &ticket.Memory{}
			c, neighbour := d.cache(store), d.cache(store)
			get(t, c)
			start := time.Now()
			for time.Since(start) < time.Hour {
				ctx, hangUp := context.WithTimeout(t.Context(), 50*time.Millisecond)
				_, _ = c.Do(ctx, appID, func(*ticket.Pair) (rejected bool, err error) { return true, ctx.Err() })
				hangUp()
				for _, o := range []*ticket.Cache{c, neighbour} {
					if others {
						_, _ = o.Do(t.Context(), appID, func(*ticket.Pair) (rejected bool, err error) { return false, nil })
					}
				}
				time.Sleep(5 * time.Second)
			}
			// Two in a row, an overlap apart, and from then on one each half refresh.
			if n, most := d.issued()-1, 2+int(time.Hour/(schedule.Refresh/2)); n > most {
				t.Errorf("others %v: %d mints in an hour, want at most %d", others, n, most)
			}
		})
	}
}

// A forced mint that proved needed starts no row: another server that voids the pair every
// few minutes is met each time.
func TestNeededForcedMintsAreNoRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, store := &fakeIssuer{takes: 100 * time.Millisecond}, &ticket.Memory{}
		c, other := d.cache(store), d.cache(store)
		get(t, c)
		for range 10 {
			next := fmt.Sprint("-", d.issued()+1) // all before it are void
			outcome, err := c.Do(t.Context(), appID, func(p *ticket.Pair) (rejected bool, err error) {
				return !strings.HasSuffix(p.Ticket.Reveal(), next), nil
			})
			if err != nil || outcome != ticket.Renewed {
				t.Fatalf("%v, %v", outcome, err)
			}
			time.Sleep(2 * time.Minute)
			c, other = other, c // the row is the app's, not the instance's
		}
	})
}

// alwaysVoid is the upstream as many instances without a store meet it: each token voids
// what was issued before, an overlap later.
type alwaysVoid struct {
	mu     sync.Mutex
	issued []time.Time
}

func (u *alwaysVoid) Token(context.Context) (secret.Credential, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.issued = append(u.issued, time.Now())
	return secret.Credential{Value: secret.New(strings.Repeat("t", len(u.issued))), Life: 2 * time.Hour}, nil
}

func (u *alwaysVoid) Ticket(_ context.Context, token secret.Text) (secret.Credential, error) {
	return secret.Credential{Value: token, Life: time.Hour}, nil
}

func (u *alwaysVoid) rejects(p *ticket.Pair) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := len(p.Ticket.Reveal())
	return n < len(u.issued) && time.Since(u.issued[n]) >= schedule.Overlap
}

// A hundred cold instances and no store. Each mints once for itself, and then upon
// rejections: quickMints and one more an overlap apart, and after the k-th beyond those
// not before half of 4·2^(k-1) overlaps, at most a quarter of TICKET_REFRESH. In ten
// minutes of 60 s overlaps that is at most 1 + 4 + 2 (after 2 and 4 minutes more), in an
// hour at most 1 + 4 + 2 + (60-10)/5. Each on its own clock would be 1 + 60.
func TestForcedMintsWithoutAStoreBackOff(t *testing.T) {
	const instances = 100
	for span, each := range map[time.Duration]int{10 * time.Minute: 7, time.Hour: 17} {
		synctest.Test(t, func(t *testing.T) {
			u := &alwaysVoid{}
			store := &brokenStore{Store: &ticket.Memory{}, down: true}
			start := time.Now()
			var all sync.WaitGroup
			for range instances {
				c := ticket.New(ticket.Config{
					Apps:     map[string]ticket.App{appID: {Issuer: u, Secret: secret.New("s")}},
					Store:    store,
					Schedule: schedule,
				})
				all.Go(func() {
					for time.Since(start) < span {
						_, err := c.Do(t.Context(), appID, func(p *ticket.Pair) (rejected bool, err error) { return u.rejects(p), nil })
						if waited := time.Since(start); err != nil && waited < 4*schedule.Overlap {
							t.Errorf("after %v: %v", waited, err)
						}
						time.Sleep(time.Second)
					}
				})
			}
			all.Wait()
			if n := len(u.issued); n > instances*each {
				t.Errorf("%d instances had %d tokens issued in %v, want at most %d each", instances, n, span, each)
			} else {
				t.Logf("%d instances: %d tokens in %v", instances, n, span)
			}
		})
	}
}
