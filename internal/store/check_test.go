package store

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/ticket"
)

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
		t.Errorf("an error that is not reduced: %q", text)
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
