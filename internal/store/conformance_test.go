package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
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

// tally is what instances made of "race": the versions that they won, and the errors
// after which they did not know. Those come from timeouts on a loaded machine.
type tally struct {
	Won     []uint64
	Unknown []string
}

func (a *tally) add(b tally) {
	a.Won = append(a.Won, b.Won...)
	a.Unknown = append(a.Unknown, b.Unknown...)
}

func (a *tally) check(t *testing.T, v ticket.Value, total int) {
	t.Helper()
	if v.Version != number(v.Data) {
		t.Errorf("version %d says %d: an update was lost", v.Version, number(v.Data))
	}
	if len(a.Won) != total {
		t.Errorf("%d wins, want %d", len(a.Won), total)
	}
	slices.Sort(a.Won)
	if won := len(slices.Compact(slices.Clone(a.Won))); won != len(a.Won) {
		t.Errorf("a version has two winners: %v", a.Won)
	}
	if missing := int(v.Version) - len(a.Won); missing < 0 || missing > len(a.Unknown) {
		t.Errorf("version %d with %d wins and %d unknown: %q", v.Version, len(a.Won), len(a.Unknown), a.Unknown)
	}
	if len(a.Unknown) > 0 {
		t.Logf("unknown: %q", a.Unknown)
	}
}

// increment adds one to the number of "race" until that succeeded so many times.
func increment(s ticket.Store, times int) (t tally) {
	for failures := 0; len(t.Won) < times && failures < 100; {
		v, err := s.Load(context.Background(), "race")
		if err != nil {
			failures++
			continue
		}
		next := binary.BigEndian.AppendUint64(nil, number(v.Data)+1)
		ok, err := s.Swap(context.Background(), "race", v.Version, next)
		switch {
		case err != nil:
			failures++
			t.Unknown = append(t.Unknown, err.Error())
		case ok:
			t.Won = append(t.Won, count(v.Version+1))
		}
	}
	return t
}

func number(data []byte) uint64 {
	if len(data) == 0 {
		return 0
	}
	return binary.BigEndian.Uint64(data)
}

// count is a version as the tests count them: from where the register begins.
func count(version uint64) uint64 { return version & (1<<countBits - 1) }

// at is the version of a count.
func at(t testing.TB, s ticket.Store, app string, n uint64) uint64 {
	t.Helper()
	v, err := s.Load(context.Background(), app)
	mustDo(t, err)
	return v.Version - count(v.Version) + n
}

// mustLoad returns a value with its count for its version.
func mustLoad(t testing.TB, s ticket.Store, app string) ticket.Value {
	t.Helper()
	v, err := s.Load(context.Background(), app)
	mustDo(t, err)
	v.Version = count(v.Version)
	return v
}

func mustSwap(t testing.TB, s ticket.Store, app string, version uint64, data []byte) {
	t.Helper()
	if ok, err := s.Swap(context.Background(), app, at(t, s, app, version), data); !ok || err != nil {
		t.Fatalf("swap of version %d: %v, %v", version, ok, err)
	}
}

func mustNotSwap(t testing.TB, s ticket.Store, app string, version uint64) {
	t.Helper()
	if ok, err := s.Swap(context.Background(), app, at(t, s, app, version), []byte("stale")); ok || err != nil {
		t.Fatalf("swap of version %d: %v, %v", version, ok, err)
	}
}

// wantError checks that both methods fail, with want if that is not nil, and that
// what they say is fit for the log.
func wantError(t *testing.T, m medium, ctx context.Context, s ticket.Store, want error) {
	t.Helper()
	_, err1 := s.Load(ctx, "down")
	ok, err2 := s.Swap(ctx, "down", 1, []byte("never"))
	if ok {
		t.Error("swapped")
	}
	for _, err := range []error{err1, err2} {
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
			continue
		}
		wantClean(t, err, m.canaries)
	}
}

func wantClean(t *testing.T, err error, canaries []string) {
	t.Helper()
	text := err.Error()
	for _, canary := range append(canaries, "127.0.0.1", "localhost", "://") {
		if strings.Contains(text, canary) {
			t.Errorf("%q has %q in it", text, canary)
		}
	}
	if strings.Contains(text, "unexpected") {
		t.Errorf("nobody thought of this: %q", text)
	}
}

// opened checks and registers what a test opened.
func opened(t testing.TB, s ticket.Store, err error) ticket.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := s.(io.Closer); ok {
		t.Cleanup(func() { c.Close() })
	}
	return s
}
