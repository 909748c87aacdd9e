package war

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// fleet is a run: the instances, the upstream that each of them sees, and the store.
type fleet struct {
	programs  Programs
	setting   Setting
	stream    *stream
	counts    *counts
	upstream  *upstream
	urls      []string // of the upstream, one an instance
	servers   []*http.Server
	store     *miniredis.Miniredis // nil: the policy has none
	stopped   bool                 // the store is
	address   string               // of the store
	instances []*instanceOf

	ctx     context.Context // ends with the run
	cancel  context.CancelFunc
	workers sync.WaitGroup
}

func startFleet(p Programs, s Setting, to *stream) (*fleet, error) {
	counts := &counts{began: time.Now()}
	f := &fleet{programs: p, setting: s, stream: to, counts: counts, upstream: newUpstream(to, counts)}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	if err := f.listen(); err != nil {
		f.close()
		return nil, err
	}
	to.begin(Event{
		Kind: RunBegan, Policy: s.Policy, Instances: s.Instances,
		Minute: Minute.Milliseconds(), Overlap: overlap.Milliseconds(), Refresh: refresh.Milliseconds(),
	})
	if f.store != nil {
		to.send(Event{Kind: StoreIs, Up: true})
	}
	for n := range s.Instances {
		// They start one after the other within a pair's life, as a fleet grows.
		i := &instanceOf{fleet: f, number: n, joins: n * int(refresh/s.Pause) / s.Instances, rounds: make(chan struct{}, 1)}
		f.instances = append(f.instances, i)
		f.workers.Go(func() { i.serve(f.ctx) })
	}
	f.workers.Go(f.rounds)
	return f, nil
}

// listen starts the upstream's servers, and the store where the policy has one.
func (f *fleet) listen() error {
	for n := range f.setting.Instances {
		listener, err := new(net.ListenConfig).Listen(f.ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := &http.Server{Handler: f.upstream.of(n), ReadHeaderTimeout: 10 * time.Second}
		go server.Serve(listener)
		f.servers = append(f.servers, server)
		f.urls = append(f.urls, "http://"+listener.Addr().String())
	}
	if f.setting.Policy == Own {
		return nil
	}
	f.store = miniredis.NewMiniRedis()
	if err := f.store.StartAddr("127.0.0.1:0"); err != nil {
		f.store = nil
		return err
	}
	f.address = f.store.Addr()
	return nil
}

// rounds has every instance asked once in a pause. One that is still busy is left out. The figures
// begin with the round after the one in which the last instance was started.
func (f *fleet) rounds() {
	tick := time.NewTicker(f.setting.Pause)
	defer tick.Stop()
	last := f.instances[len(f.instances)-1].joins
	for n := 0; ; n++ {
		if n == last+1 {
			f.counts.start()
		}
		for _, i := range f.instances {
			if n < i.joins {
				continue
			}
			select {
			case i.rounds <- struct{}{}:
			default:
			}
		}
		select {
		case <-tick.C:
		case <-f.ctx.Done():
			return
		}
		if n > last {
			figures := f.counts.figures()
			f.stream.send(Event{Kind: Count, At: f.now(), Figures: &figures})
		}
	}
}

func (f *fleet) setStore(up bool) error {
	if f.store == nil {
		return errNoStore
	}
	if up != f.stopped {
		return nil
	}
	if up {
		if err := f.store.Restart(); err != nil {
			return err
		}
	} else {
		f.store.Close()
	}
	f.stopped = !up
	f.stream.send(Event{Kind: StoreIs, At: f.now(), Up: up})
	return nil
}

// close ends the run and waits until everything that it started has ended.
func (f *fleet) close() {
	f.cancel()
	f.workers.Wait()
	for _, i := range f.instances {
		if i.function != nil {
			_ = i.function.Close() // always nil
		}
	}
	for _, s := range f.servers {
		_ = s.Close() // nobody is left to ask it
	}
	if f.store != nil && !f.stopped {
		f.store.Close()
	}
}

func (f *fleet) now() int64 { return f.upstream.now() }

// counts are what the figures are made of.
type counts struct {
	began time.Time

	mu                     sync.Mutex
	since                  time.Time // when it began to count; zero: not yet
	queries, failed, mints int
}

func (c *counts) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since, c.queries, c.failed, c.mints = time.Now(), 0, 0, 0
}

func (c *counts) query(ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queries++
	if !ok {
		c.failed++
	}
}

func (c *counts) mint() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mints++
}

func (c *counts) figures() Figures {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := Figures{Queries: c.queries, Failed: c.failed, Mints: c.mints}
	f.Minutes = float64(time.Since(c.since)) / float64(Minute)
	if c.queries > 0 {
		f.FailedShare = float64(c.failed) / float64(c.queries)
	}
	f.MintsPerHour = float64(c.mints) / f.Minutes * 60
	return f
}
