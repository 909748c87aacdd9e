package war

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	"kyc-ocr-relay/internal/testmain"
)

var folder testmain.Folder

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "8") // they wait more than they compute
	testmain.Run(m, &folder)
}

var build = sync.OnceValues(func() (p Programs, err error) {
	if err = testmain.WatchSources(); err == nil {
		err = p.Build(folder.Path)
	}
	return p, err
})

// programs are built once for all tests.
func programs(t *testing.T) Programs {
	t.Helper()
	p, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// await returns the figures once there are so many queries in them.
func await(t *testing.T, w *War, queries int) Figures {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(usualPause) {
		if f := w.Figures(); f.Queries >= queries {
			t.Logf("%+v", f)
			return f
		}
		if time.Now().After(deadline) {
			t.Fatalf("no %d queries in a minute: %+v", queries, w.Figures())
		}
	}
}

// still has something tried up to three times: where the machine stands still for a fifth of a second,
// that is a minute for the fleet, and a pair ends before the next one is there.
func still(t *testing.T, try func() error) {
	t.Helper()
	for attempt := 1; ; attempt++ {
		err := try()
		switch {
		case err == nil:
			return
		case attempt == 3:
			t.Fatal(err)
		}
		t.Log("again: ", err)
	}
}

func start(t *testing.T, s Setting) *War {
	t.Helper()
	w := New(programs(t), "")
	t.Cleanup(w.Close)
	if err := w.Run(s); err != nil {
		t.Fatal(err)
	}
	return w
}

// Five instances with a ticket each void one another's.
func TestOwnTickets(t *testing.T) {
	t.Parallel()
	f := await(t, start(t, Setting{Policy: Own, Instances: 5}), 100)
	if f.FailedShare <= 0.5 || f.MintsPerHour < 8 {
		t.Errorf("failed: %.0f %%, mints an hour: %.1f; more than 50 and 8 are expected", 100*f.FailedShare, f.MintsPerHour)
	}
}

func TestOwnTicketOfOneInstance(t *testing.T) {
	t.Parallel()
	still(t, func() error {
		f := await(t, start(t, Setting{Policy: Own, Instances: 1}), 25)
		if f.Failed > 0 || f.MintsPerHour > 6 {
			return fmt.Errorf("failed: %d, mints an hour: %.1f; none and at most 6 are expected", f.Failed, f.MintsPerHour)
		}
		return nil
	})
}

// Where all find the ticket expired at once, several fetch one. Whether the one that is kept is the last,
// and so the only good one, is chance: TestEvents has what follows.
func TestNaive(t *testing.T) {
	t.Parallel()
	f := await(t, start(t, Setting{Policy: Naive, Instances: 5}), 100)
	if f.MintsPerHour < 4 {
		t.Errorf("mints an hour: %.1f, at least 4 are expected", f.MintsPerHour)
	}
}

func TestRelay(t *testing.T) {
	t.Parallel()
	still(t, func() error {
		w := start(t, Setting{Policy: Relay, Instances: 5})
		defer w.Close()
		f := await(t, w, 150)
		if f.Failed > 0 || f.MintsPerHour > 6 {
			return fmt.Errorf("failed: %d, mints an hour: %.1f; none and at most 6 are expected", f.Failed, f.MintsPerHour)
		}
		return nil
	})
}

// What happens to a fleet of the relay, and that nobody notices.
func TestRelayUndisturbed(t *testing.T) {
	t.Parallel()
	still(t, func() error { return undisturbed(t) })
}

func undisturbed(t *testing.T) error {
	w := start(t, Setting{Policy: Relay, Instances: 3})
	defer w.Close()
	await(t, w, 6)
	for _, disturb := range []func() error{
		w.Foreign,
		func() error { return w.Freeze(1, true) },
		func() error { return w.Kill(2) },
		func() error { return w.Store(false) },
		func() error { return w.Store(true) },
		func() error { return w.Freeze(1, false) },
	} {
		before := w.Figures().Queries
		if err := disturb(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			t.Fatal(err)
		}
		await(t, w, before+9)
	}
	if f := w.Figures(); f.Failed > 0 {
		past, _ := w.Subscribe(t.Context())
		return fmt.Errorf("%d of %d queries failed: %+v", f.Failed, f.Queries, past)
	}
	return nil
}

// Somebody who comes late sees what was, and then what happens: here that a foreign server's pair ends
// the one in use, and that the queries of the shared cache fail from then on.
func TestEvents(t *testing.T) {
	t.Parallel()
	w := start(t, Setting{Policy: Naive, Instances: 1})
	await(t, w, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	past, events := w.Subscribe(ctx)
	seen := map[Kind]int{}
	for _, e := range past {
		seen[e.Kind]++
	}
	if past[0].Kind != RunBegan || past[0].Policy != Naive || seen[State] != 1 || seen[StoreIs] != 1 || seen[PairLife] != 1 || seen[Query] < 2 {
		t.Errorf("seen so far: %+v", past)
	}
	if err := w.Foreign(); err != nil {
		t.Fatal(err)
	}
	var ended, foreign, failed Event
	for e := range events {
		switch {
		case e.Kind == PairLife && e.Pair == 1:
			ended = e
		case e.Kind == PairLife:
			foreign = e
		case e.Kind == Query && !e.OK:
			failed = e
			cancel()
		}
	}
	if ended.Replaced != foreign.At || ended.Until != foreign.At+overlap.Milliseconds() || foreign.Instance != foreigner {
		t.Errorf("the pair %+v is to end an overlap after %+v", ended, foreign)
	}
	if failed.Why != "400101" || failed.At < ended.Until {
		t.Errorf("%+v: 400101 is expected once the pair has ended", failed)
	}
}

func TestControlsOfNothing(t *testing.T) {
	t.Parallel()
	w := New(programs(t), "")
	for _, s := range []Setting{{}, {Policy: "other", Instances: 1}, {Policy: Own}, {Policy: Own, Instances: MostInstances + 1}} {
		if err := w.Run(s); err == nil {
			t.Errorf("%+v runs", s)
		}
	}
	if err := w.Kill(0); !errors.Is(err, errNoRun) {
		t.Error(err)
	}
	if err := w.Run(Setting{Policy: Own, Instances: 1}); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Kill(1); !errors.Is(err, errNoInstance) {
		t.Error(err)
	}
	if err := w.Store(false); !errors.Is(err, errNoStore) {
		t.Error(err)
	}
}
