package store

import (
	"bytes"
	"cmp"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"kyc-ocr-relay/internal/ticket"
)

// medium is what the stores of a test share.
type medium struct {
	// open returns another store on the medium, as another instance has it.
	open func(t testing.TB) ticket.Store
	// now is the medium's clock, which is not the test's where that can be had.
	now func() time.Time
	// precision is how far a Value's time may be from now.
	precision time.Duration
	// increments is how often each of 50 instances wins in a race: fewer where that is
	// slow. 0 is 4.
	increments int
	// down makes the medium unavailable until up; nil where it cannot.
	down, up func(t *testing.T)
	// lose has the medium lose all that it holds; nil where it cannot.
	lose func(t *testing.T)
	// refusals make the medium refuse writes, each in a way of its own, until what they return
	// is called.
	refusals map[string]func(t *testing.T) (accept func())
	// canaries must not be in any error.
	canaries []string
}

// conform checks what every ticket.Store promises.
func conform(t *testing.T, m medium) {
	t.Run("empty", func(t *testing.T) {
		one, two := m.open(t), m.open(t)
		v, err := one.Load(t.Context(), "empty")
		if err != nil || v.Data != nil || count(v.Version) != 0 {
			t.Errorf("got %+v, %v", v, err)
		}
		for _, s := range []ticket.Store{one, two} {
			if again, err := s.Load(t.Context(), "empty"); err != nil || again.Version != v.Version || again.Data != nil {
				t.Errorf("got %+v, %v, where %+v was", again, err, v)
			}
		}
	})

	if m.lose != nil {
		t.Run("loss", func(t *testing.T) {
			s := m.open(t)
			mustSwap(t, s, "loss", 0, []byte("a"))
			old, err := s.Load(t.Context(), "loss")
			mustDo(t, err)
			m.lose(t)
			now, err := s.Load(t.Context(), "loss")
			if err != nil || now.Data != nil || now.Version <= old.Version {
				t.Fatalf("got %+v, %v, where %+v was", now, err, old)
			}
			for n := range uint64(3) { // as many as before, and more
				mustSwap(t, s, "loss", n, []byte("b"))
				if ok, err := s.Swap(t.Context(), "loss", old.Version, []byte("stale")); ok || err != nil {
					t.Errorf("a swap from before the loss: %v, %v", ok, err)
				}
			}
		})
	}

	t.Run("round trip", func(t *testing.T) {
		one, two := m.open(t), m.open(t)
		every := make([]byte, 256)
		for i := range every {
			every[i] = byte(i)
		}
		for i, data := range [][]byte{[]byte("first"), every, bytes.Repeat(every, 256), {0}, []byte("\r\n")} {
			version := uint64(i)
			mustSwap(t, one, "trip", version, data)
			for _, s := range []ticket.Store{one, two} {
				v := mustLoad(t, s, "trip")
				if v.Version != version+1 || !bytes.Equal(v.Data, data) {
					t.Fatalf("version %d with %d bytes, want %d with %d", v.Version, len(v.Data), version+1, len(data))
				}
			}
		}
	})

	t.Run("conflict", func(t *testing.T) {
		one, two := m.open(t), m.open(t)
		mustNotSwap(t, one, "conflict", 1) // of nothing
		mustSwap(t, one, "conflict", 0, []byte("a"))
		mustNotSwap(t, two, "conflict", 0)
		mustNotSwap(t, one, "conflict", 0)
		mustSwap(t, two, "conflict", 1, []byte("b"))
		mustNotSwap(t, one, "conflict", 1)
		mustNotSwap(t, one, "conflict", 3)
		if v := mustLoad(t, one, "conflict"); v.Version != 2 || string(v.Data) != "b" {
			t.Errorf("got %+v", v)
		}
	})

	t.Run("apps do not mix", func(t *testing.T) {
		s := m.open(t)
		for _, app := range []string{"IDA", "IDA-1", "IDA_1", "ID"} {
			mustSwap(t, s, app, 0, []byte(app))
		}
		mustSwap(t, s, "ID", 1, []byte("again"))
		for _, app := range []string{"IDA", "IDA-1", "IDA_1"} {
			if v := mustLoad(t, s, app); v.Version != 1 || string(v.Data) != app {
				t.Errorf("%s has %+v", app, v)
			}
		}
	})

	t.Run("stale", func(t *testing.T) {
		one, two := m.open(t), m.open(t)
		const versions = 40
		for version := range uint64(versions) {
			mustSwap(t, one, "stale", version, []byte{byte(version)})
		}
		for _, version := range []uint64{0, 1, versions - keep - 1, versions - keep, versions - 1} {
			mustNotSwap(t, two, "stale", version)
		}
		if v := mustLoad(t, two, "stale"); v.Version != versions || v.Data[0] != versions-1 {
			t.Errorf("got %+v", v)
		}
	})

	t.Run("race", func(t *testing.T) { race(t, m, 50, cmp.Or(m.increments, 4)) })

	t.Run("clock", func(t *testing.T) {
		s := m.open(t)
		for range 3 {
			before := m.now()
			v := mustLoad(t, s, "clock")
			if v.Now.Before(before.Add(-m.precision)) || v.Now.After(m.now().Add(m.precision)) {
				t.Errorf("the store says %v, the medium %v", v.Now, before)
			}
			if v.Now != v.Now.Round(0) {
				t.Error("a monotonic reading")
			}
			mustSwap(t, s, "clock", v.Version, []byte("x"))
		}
	})

	for name, refuse := range m.refusals {
		t.Run("read only, "+name, func(t *testing.T) {
			readOnly(t, m, "refusals-"+strings.ReplaceAll(name, " ", "-"), refuse)
		})
	}

	if m.down != nil {
		t.Run("cancelled", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			wantError(t, m, ctx, m.open(t), context.Canceled)
		})
		t.Run("down", func(t *testing.T) {
			warm, cold := m.open(t), m.open(t)
			mustSwap(t, warm, "down", 0, []byte("before"))
			m.down(t)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			for range 5 { // more than a pool has connections
				wantError(t, m, ctx, warm, nil)
				wantError(t, m, ctx, cold, nil)
			}
			if ctx.Err() != nil {
				t.Error("it hangs")
			}
			m.up(t)
			for _, s := range []ticket.Store{warm, cold} {
				v := mustLoad(t, s, "down")
				mustSwap(t, s, "down", v.Version, []byte("after"))
			}
		})
	}
}

// readOnly checks a medium that can be read and refuses writes: a Load goes on, and a Swap
// fails with an error, not as if somebody else had been faster.
func readOnly(t *testing.T, m medium, register string, refuse func(*testing.T) func()) {
	warm, cold := m.open(t), m.open(t)
	mustSwap(t, warm, register, 0, []byte("kept"))
	version := at(t, warm, register, 1)
	accept := refuse(t)
	for range 3 {
		for _, s := range []ticket.Store{warm, cold} {
			before := m.now()
			v, err := s.Load(t.Context(), register)
			if err != nil || v.Version != version || string(v.Data) != "kept" {
				t.Errorf("got %+v, %v", v, err)
			} else if v.Now.Before(before.Add(-m.precision)) || v.Now.After(m.now().Add(m.precision)) {
				t.Errorf("the store says %v, the medium %v", v.Now, before)
			}
			ok, err := s.Swap(t.Context(), register, version, []byte("refused"))
			if ok || err == nil {
				t.Errorf("a refused write: %v, %v", ok, err)
				continue
			}
			wantClean(t, err, m.canaries)
		}
	}
	accept()
	for _, s := range []ticket.Store{cold, warm} {
		mustSwap(t, s, register, count(version), []byte("accepted"))
		version++
	}
}

// race has many instances increment one number. No update may be lost, and every
// version has one winner.
func race(t *testing.T, m medium, instances, increments int) {
	var (
		mu  sync.Mutex
		all tally
		wg  sync.WaitGroup
	)
	for range instances {
		s := m.open(t)
		wg.Go(func() {
			one := increment(s, increments)
			mu.Lock()
			all.add(one)
			mu.Unlock()
		})
	}
	wg.Wait()
	all.check(t, mustLoad(t, m.open(t), "race"), instances*increments)
}
