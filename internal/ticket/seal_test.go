package ticket_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
)

// openStore is a Memory that an attacker reads and writes.
type openStore struct {
	ticket.Memory
	mu     sync.Mutex
	seen   [][]byte
	names  map[string]bool
	change func(ticket.Value) ticket.Value
}

func (s *openStore) Load(ctx context.Context, app string) (ticket.Value, error) {
	v, err := s.Memory.Load(ctx, app)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.change != nil && v.Data != nil {
		v = s.change(v)
	}
	return v, err
}

func (s *openStore) Swap(ctx context.Context, app string, version uint64, data []byte) (bool, error) {
	s.mu.Lock()
	s.seen = append(s.seen, slices.Clone(data))
	if s.names == nil {
		s.names = map[string]bool{}
	}
	s.names[app] = true
	s.mu.Unlock()
	return s.Memory.Swap(ctx, app, version, data)
}

// Neither token, ticket nor secret is in what is stored or logged, whatever happened.
func TestNoSecretInTheStoreOrTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		d, store := &fakeIssuer{}, &openStore{}
		c := d.loggingCache(store, &log)
		p := get(t, c)
		forced, err := reject(t, c, p)
		if err != nil {
			t.Fatal(err)
		}
		c.Futile(t.Context(), appID, forced)
		time.Sleep(schedule.Refresh)
		d.set(func(d *fakeIssuer) { d.failTicket = errors.New("down") })
		get(t, c) // a pending token is stored
		d.set(func(d *fakeIssuer) { d.failTicket = nil })
		time.Sleep(schedule.Overlap)
		get(t, c)
		if len(store.seen) < 8 {
			t.Fatalf("only %d values were stored", len(store.seen))
		}
		for _, data := range append(store.seen, []byte(strings.Join(slices.Collect(maps.Keys(store.names)), " ")), log.Bytes()) {
			for _, word := range []string{"canary", "generation", "lease"} {
				if bytes.Contains(data, []byte(word)) && (word == "canary" || !bytes.Contains(data, []byte(`"msg"`))) {
					t.Errorf("%q is in %q", word, data)
				}
			}
		}
		if !strings.Contains(log.String(), "ticket renewed") {
			t.Error("the log was not looked at")
		}
	})
}

// Whatever an attacker does to a record, it counts as absent: never as another pair.
func TestTamperedRecordCountsAsAbsent(t *testing.T) {
	var old ticket.Value
	for name, change := range map[string]func(ticket.Value) ticket.Value{
		"a bit changed":     func(v ticket.Value) ticket.Value { v.Data = flip(v.Data, len(v.Data)/2); return v },
		"the nonce changed": func(v ticket.Value) ticket.Value { v.Data = flip(v.Data, 0); return v },
		"cut":               func(v ticket.Value) ticket.Value { v.Data = v.Data[:len(v.Data)-1]; return v },
		"emptied":           func(v ticket.Value) ticket.Value { v.Data = nil; return v },
		"garbage":           func(v ticket.Value) ticket.Value { v.Data = []byte(`{"pair":{}}`); return v },
		"another version":   func(v ticket.Value) ticket.Value { v.Version += 5; return v },
		"an old record":     func(v ticket.Value) ticket.Value { v.Data = old.Data; return v },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, store := &fakeIssuer{}, &openStore{}
				a, b := d.cache(store), d.cache(store)
				store.change = func(v ticket.Value) ticket.Value { old = v; return v }
				first := get(t, a)
				time.Sleep(schedule.Refresh)
				get(t, a)
				store.change = change
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				p, renewal, err := b.Get(ctx, appID)
				renewal.Wait()
				if err == nil && p.Generation() <= first.Generation() {
					t.Errorf("generation %d was taken from a tampered record", p.Generation())
				}
				if err == nil && p.Source() != ticket.Minted {
					t.Errorf("the pair comes from %v", p.Source())
				}
			})
		})
	}
}

func flip(data []byte, at int) []byte {
	changed := slices.Clone(data)
	changed[at] ^= 1
	return changed
}

// A changed secret finds no old record, and those that still have the old one do not
// disturb: neither reads, nor overwrites, what the other stores.
// EasyWeChat, oathkeeper: the key holds the raw secret; or lacks it, so that a wrong secret
// rides on a cached token.
func TestEasyWeChatOathkeeperKeyIsOfTheSecretAndHidesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &openStore{}
		with := func(d *fakeIssuer, app, s string) *ticket.Cache {
			return ticket.New(ticket.Config{
				Apps:     map[string]ticket.App{app: {Issuer: d, Secret: secret.New(s)}},
				Store:    store,
				Schedule: schedule,
			})
		}
		before, after := &fakeIssuer{}, &fakeIssuer{tokens: 100}
		get(t, with(before, appID, "canary-old"))
		p := get(t, with(after, appID, "canary-new"))
		if after.issued() != 101 || p.Source() != ticket.Minted {
			t.Error("the old record was used with the new secret")
		}
		get(t, with(before, appID, "canary-old"))
		get(t, with(after, appID, "canary-new"))
		if before.issued() != 1 || after.issued() != 101 {
			t.Error("they disturb each other")
		}
		other := &fakeIssuer{}
		c := with(other, "IDA00002", "canary-old")
		if _, renewal, err := c.Get(t.Context(), "IDA00002"); err != nil || other.issued() != 1 {
			t.Errorf("another app with the same secret: %v, %d tokens", err, other.issued())
		} else {
			renewal.Wait()
		}
		for name := range store.names {
			if strings.Contains(name, "canary") || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
				t.Errorf("the register is named %q", name)
			}
		}
		if len(store.names) != 3 {
			t.Errorf("%d registers, want 3", len(store.names))
		}
	})
}
