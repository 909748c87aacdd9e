package ticket_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

var scaleTo = flag.Int("scale", 100, "as many apps and instances TestScale goes up to, in powers of ten; the benchmarks take 1000")

const (
	upstreamTakes = 150 * time.Millisecond // one call
	redisTakes    = 3 * time.Millisecond   // one call of the store
	cosTakes      = 40 * time.Millisecond
)

// scaled is a fleet of many apps, each instance with all of them, in a bubble of synctest: the function
// from the handler to the upstream client, against the simulator and one store.
type scaled struct {
	apps     []string
	upstream *simulator.Simulator
	store    *ticket.Memory
	takes    time.Duration // a call of the store
	calls    atomic.Int64  // of the store
}

func newScaled(apps int, takes time.Duration) *scaled {
	s := &scaled{store: &ticket.Memory{}, takes: takes}
	secrets := map[string]string{}
	for i := range apps {
		app := fmt.Sprintf("IDA%05d", i)
		s.apps = append(s.apps, app)
		secrets[app] = appSecret
	}
	s.upstream = simulator.New(simulator.Config{Apps: secrets})
	return s
}

func (s *scaled) Load(ctx context.Context, app string) (ticket.Value, error) {
	s.calls.Add(1)
	if err := sleep(ctx, s.takes); err != nil {
		return ticket.Value{}, err
	}
	return s.store.Load(ctx, app)
}

func (s *scaled) Swap(ctx context.Context, app string, version uint64, data []byte) (bool, error) {
	s.calls.Add(1)
	if err := sleep(ctx, s.takes); err != nil {
		return false, err
	}
	return s.store.Swap(ctx, app, version, data)
}

// RoundTrip implements http.RoundTripper.
func (s *scaled) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := sleep(r.Context(), upstreamTakes); err != nil {
		return nil, err
	}
	recorder := httptest.NewRecorder()
	r.Body, r.TransferEncoding = nil, nil // as it is when a request without a body arrives
	s.upstream.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

// start brings up an instance.
func (s *scaled) start(store ticket.Store) *relay.Relay {
	base, _ := url.Parse("https://upstream.example")
	client := upstream.New(upstream.Config{BaseURL: base, Timeout: 5 * time.Second, Transport: s})
	apps := map[string]ticket.App{}
	for _, app := range s.apps {
		apps[app] = ticket.App{Issuer: client.Issuer(app, secret.New(appSecret)), Secret: secret.New(appSecret)}
	}
	return relay.New(relay.Config{
		Apps: s.apps, NoAuth: true, Upstream: client, StoreKind: "test", Log: slog.New(slog.DiscardHandler),
		Tickets: ticket.New(ticket.Config{Apps: apps, Store: store, Schedule: schedule}),
	})
}

// ask asks for a result, or, as that takes the simulator its time, only for the pair to sign it with.
func (s *scaled) ask(ctx context.Context, r *relay.Relay, app string, whole bool) error {
	if !whole {
		_, err := r.Tickets.Do(ctx, app, func(*ticket.Pair) (bool, error) { return false, nil })
		return err
	}
	answer, err := r.Ask(ctx, upstream.Query{Type: "bankcard", AppID: app, OrderNo: "order1", Limit: 1 << 20}, &upstream.Trace{})
	if err == nil && answer.Code != "0" {
		err = fmt.Errorf("the answer is %s", answer.Code)
	}
	return err
}

// scale is what a number of apps and instances come to.
type scale struct {
	Apps      int
	Instances int
	Cold      float64 // seconds until each instance has every app's pair, all asked for at once
	Mints     float64 // an hour, of all apps
	Store     float64 // calls an hour, of all instances for all apps
	Memory    float64 // KB of live heap an app, in each instance
}

// scaleHours is how long each fleet lives: with the mint at its begin 3 an hour are 6 in the end.
const scaleHours = 2

func measure(t *testing.T, apps, instances int) (m scale) {
	m = scale{Apps: apps, Instances: instances}
	synctest.Test(t, func(t *testing.T) {
		s := newScaled(apps, redisTakes)
		ctx, cancel := context.WithTimeout(t.Context(), scaleHours*time.Hour-time.Second)
		defer cancel()
		begin, pause := time.Now(), time.Minute
		if apps*instances <= 100 {
			pause = time.Second // so that whatever is due is seen at once
		}
		var cold, all sync.WaitGroup
		for range instances {
			r := s.start(s)
			for _, app := range s.apps {
				cold.Add(1)
				all.Go(func() {
					if err := s.ask(ctx, r, app, false); err != nil {
						t.Errorf("cold: %v", err)
					}
					cold.Done()
					for n := rand.IntN(60); ; n++ {
						if sleep(ctx, pause/2+rand.N(pause)) != nil {
							return
						}
						if err := s.ask(context.WithoutCancel(ctx), r, app, n%60 == 0); err != nil {
							t.Errorf("after %v: %v", time.Since(begin), err)
						}
					}
				})
			}
		}
		cold.Wait()
		m.Cold = time.Since(begin).Seconds()
		all.Wait()
		for _, app := range s.apps {
			m.Mints += float64(len(s.upstream.Mints(app))) / scaleHours
		}
		m.Store = float64(s.calls.Load()) / scaleHours
		for _, broken := range s.upstream.Violations() {
			t.Error("the upstream's rules were broken:", broken)
		}
	})
	return m
}

// memory is what an instance takes that has every app's pair, in KB: of as many of them that they stand out.
func memory(t *testing.T, apps int) (kilobytes float64) {
	synctest.Test(t, func(t *testing.T) {
		s, some := newScaled(apps, redisTakes), make([]*relay.Relay, 10+5000/apps)
		for i := range some {
			some[i] = s.start(s)
			for _, app := range s.apps {
				if err := s.ask(t.Context(), some[i], app, false); err != nil {
					t.Fatal(err)
				}
			}
		}
		used := heap()
		runtime.KeepAlive(some)
		clear(some)
		kilobytes = (used - heap()) / 1024 / float64(len(some))
	})
	return kilobytes
}

// heap is the live heap in bytes, without what pools hold and what waits to be cleaned up.
func heap() float64 {
	var stats runtime.MemStats
	for range 5 {
		runtime.GC()
		runtime.Gosched()
	}
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}

// Nothing grows faster than its cause: an app is minted three times an hour, however many instances and
// apps there are, and an instance looks at the store some times for each of its apps.
func TestScale(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	var sizes [][2]int
	most := *scaleTo
	if raceEnabled { // which is slow
		most = min(most, 10)
	}
	for n := 1; n <= most; n *= 10 {
		sizes = append(sizes, [2]int{n, 1})
	}
	for n := 10; n <= most; n *= 10 {
		sizes = append(sizes, [2]int{1, n})
	}
	if most > 1 {
		sizes = append(sizes, [2]int{most, 10})
	}
	perApp := map[int]float64{}
	for _, size := range sizes {
		if apps := size[0]; perApp[apps] == 0 {
			perApp[apps] = memory(t, apps) / float64(apps)
		}
	}
	for _, size := range sizes {
		m := measure(t, size[0], size[1])
		m.Memory = perApp[m.Apps]
		say(t, "fleet", m)
		if mints := m.Mints / float64(m.Apps); mints != 3 {
			t.Errorf("%d apps, %d instances: %.2f mints an hour and app", m.Apps, m.Instances, mints)
		}
		if calls := m.Store / float64(m.Apps*m.Instances); calls > 12 {
			t.Errorf("%d apps, %d instances: %.1f calls of the store an hour, app and instance", m.Apps, m.Instances, calls)
		}
		if (m.Memory <= 0 || m.Memory > 8) && !raceEnabled {
			t.Errorf("%d apps, %d instances: %.1f KB an app", m.Apps, m.Instances, m.Memory)
		}
	}
}

// say writes what scripts/bench reads.
func say(t *testing.T, what string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("scale %s %s", what, text)
}
