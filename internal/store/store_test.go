package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kyc-ocr-relay/internal/redact"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
)

// workerVariable makes the test binary a process that increments the number in the
// store it names, and prints its tally.
const workerVariable = "STORE_TEST_WORKER_URL"

func TestMain(m *testing.M) {
	location := os.Getenv(workerVariable)
	if location == "" {
		goleak.VerifyTestMain(m)
		return
	}
	scheme, _, _ := strings.Cut(location, ":")
	s, err := Open(scheme, location, nil)
	if err != nil {
		panic(err)
	}
	won := increment(s, workerIncrements)
	if err := json.NewEncoder(os.Stdout).Encode(won); err != nil || len(won.Won) < workerIncrements {
		os.Exit(1)
	}
}

func credentials(id, key, token string) role.Source {
	return func(context.Context) (role.Credentials, error) {
		return role.Credentials{SecretID: secret.New(id), SecretKey: secret.New(key), SessionToken: secret.New(token)}, nil
	}
}

func TestMemory(t *testing.T) {
	s, err := Open("memory", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	conform(t, medium{
		open:      func(testing.TB) ticket.Store { return s },
		now:       func() time.Time { return time.Now().Round(0) },
		precision: time.Millisecond,
	})
}

func TestOpenRefuses(t *testing.T) {
	const canary = "canary-5up3r"
	for scheme, locations := range map[string][]string{
		"file":    {"", "file://" + canary + "/dir", "file:///dir?" + canary, "file:relative" + canary, "file://%zz" + canary},
		"redis":   {"redis://:" + canary + "@", "redis://:" + canary + "@host/" + canary, "redis://:" + canary + "@host?skip_verify=true", "redis://:" + canary + "@ho st", "rediss://:" + canary + "@host", "redis://:" + canary + "@host/70000"},
		"rediss":  {"rediss://:" + canary + "@host?skip_verify=true"},
		"cos":     {"cos://" + canary, "cos://user:" + canary + "@b-1.region", "cos://b-1.region?endpoint=http://%zz" + canary, "cos://b-1.region?endpoint=https://host/" + canary, "cos://b-1.region?endpoint=" + canary},
		"nothing": {"nothing://" + canary},
	} {
		for _, location := range locations {
			s, err := Open(scheme, location, credentials("id", "key", ""))
			if err == nil || s != nil {
				t.Errorf("%s: no error", location)
				continue
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("%q quotes the URL", err)
			}
		}
	}
}

// Opening neither connects nor touches the disk: nothing here exists.
func TestOpenIsLazy(t *testing.T) {
	dir := t.TempDir() + "/not/there"
	for scheme, location := range map[string]string{
		"file":   fileURL(dir),
		"redis":  "redis://:pw@nowhere.invalid",
		"rediss": "rediss://user:pw@nowhere.invalid:1/3",
		"cos":    "cos://b-1.nowhere/prefix",
	} {
		s, err := Open(scheme, location, func(context.Context) (role.Credentials, error) {
			t.Error("credentials read at start")
			return role.Credentials{}, role.ErrNone
		})
		opened(t, s, err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestReason(t *testing.T) {
	const canary = "canary"
	for _, err := range []error{
		errors.New(canary),
		&url.Error{Op: "Get", URL: "https://" + canary, Err: errors.New(canary)},
		&os.PathError{Op: "open", Path: canary, Err: errors.New(canary)},
		fmt.Errorf("%s: %w", canary, context.DeadlineExceeded),
		fmt.Errorf("%s: %w", canary, role.ErrNone),
		errors.Join(errors.New(canary), os.ErrPermission),
	} {
		if text := fail("step", err).Error(); strings.Contains(text, canary) || !strings.HasPrefix(text, "store: step: ") {
			t.Errorf("%T becomes %q", err, text)
		}
	}
	if err := fail("step", fmt.Errorf("x: %w", context.Canceled)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
	for want, err := range map[string]error{
		redact.ErrHost.Error():       &net.OpError{Op: "dial", Err: &net.DNSError{Name: canary, Err: canary}},
		redact.ErrTimeout.Error():    &net.OpError{Op: "dial", Err: &net.DNSError{Name: canary, IsTimeout: true}},
		redact.ErrClosed.Error():     &url.Error{Op: "Put", URL: canary, Err: io.ErrUnexpectedEOF},
		redact.ErrConnection.Error(): &net.OpError{Op: "remote error", Err: errors.New(canary)},
		"connection refused":         &url.Error{Op: "Get", URL: canary, Err: syscall.ECONNREFUSED},
	} {
		if got := reason(err).Error(); got != want {
			t.Errorf("%T becomes %q, want %q", err, got, want)
		}
	}
}

func TestStopwatch(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		start time.Time
		want  bool
	}{
		"quick":               {now, false},
		"slow":                {now.Add(-slowest - time.Second), true},
		"slow, by wall clock": {now.Round(0).Add(-slowest - time.Second), true},
		"clock set back":      {now.Round(0).Add(time.Hour), false},
	} {
		if got := (stopwatch{test.start}).overtaken(); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestVersionNames(t *testing.T) {
	for _, v := range []uint64{0, 1, 255, 1 << 63, 1<<64 - 1} {
		if got, ok := parseVersion(formatVersion(v)); !ok || got != v {
			t.Errorf("%d becomes %d, %v", v, got, ok)
		}
	}
	for _, name := range []string{"", "1", "00000000000000FF", "000000000000000g", "+000000000000001", "00000000000000001"} {
		if _, ok := parseVersion(name); ok {
			t.Errorf("%q is a version", name)
		}
	}
}

func benchmark(b *testing.B, m medium) {
	s := m.open(b)
	data := []byte(strings.Repeat("x", 1000))
	b.Run("Load", func(b *testing.B) {
		if v := mustLoad(b, s, "bench"); v.Data == nil {
			mustSwap(b, s, "bench", 0, data)
		}
		for b.Loop() {
			mustLoad(b, s, "bench")
		}
	})
	b.Run("Swap", func(b *testing.B) {
		version := at(b, s, "bench", mustLoad(b, s, "bench").Version)
		for b.Loop() {
			if ok, err := s.Swap(b.Context(), "bench", version, data); !ok || err != nil {
				b.Fatal(ok, err)
			}
			version++
		}
	})
}
