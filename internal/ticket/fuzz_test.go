package ticket

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"kyc-ocr-relay/internal/secret"
)

var fuzzSchedule = Schedule{Refresh: 20 * time.Minute, Overlap: time.Minute}

// fuzzMint is an issuer that always has a credential.
type fuzzMint struct{}

func (fuzzMint) Token(context.Context) (secret.Credential, error) {
	return secret.Credential{Value: secret.New("minted-token"), Life: 2 * time.Hour}, nil
}

func (fuzzMint) Ticket(context.Context, secret.Text) (secret.Credential, error) {
	return secret.Credential{Value: secret.New("minted-ticket"), Life: time.Hour}, nil
}

// FuzzRecord takes text for what a store holds.
//
// Without the app's secret it is an attacker's: it reads as absent. Sealed, it is what this or
// another version of the program wrote: a record comes back as it was, and reads as absent once any
// byte of it, its version, its app or its secret is another. Whatever it says, what is decided about
// it agrees with the rules, and requests get a pair or an error in time.
func FuzzRecord(f *testing.F) {
	s := newSeal("IDA1", secret.New("the secret"))
	f.Fuzz(func(t *testing.T, text []byte, version uint64, at uint, flip byte, now int64, rejected string) {
		if _, ok := s.open(version, append([]byte{}, text...)); ok {
			t.Fatal("an attacker's text is a record")
		}
		r, ok := s.open(version, nil)
		if !ok || r != (record{}) {
			t.Fatalf("no value is %+v, %t", r, ok)
		}
		sealed := s.aead.Seal(nil, nil, text, s.context(version))
		checkTampering(t, &s, version, sealed, at, flip)
		r, ok = s.open(version, sealed)
		if !ok {
			if r != (record{}) {
				t.Errorf("%s: not ok, and %+v", text, r)
			}
		} else {
			checkRoundTrip(t, &s, version, &r)
			checkVerdict(t, &r, time.Unix(now%(1<<33), 0), rejected)
		}
		synctest.Test(t, func(t *testing.T) { checkServed(t, &s, version, sealed, rejected) })
	})
}

// checkTampering has another byte, another length, another version, app or secret.
func checkTampering(t *testing.T, s *seal, version uint64, sealed []byte, at uint, flip byte) {
	t.Helper()
	index := int(at % uint(len(sealed))) // #nosec G115 -- below a length
	changed := slices.Clone(sealed)
	changed[index] ^= max(flip, 1)
	for name, data := range map[string][]byte{
		"a byte changed": changed, "cut": sealed[:index], "cut in front": sealed[index+1:], "longer": append(slices.Clone(sealed), flip),
	} {
		if r, ok := s.open(version, data); ok || r != (record{}) {
			t.Errorf("%s: %+v, %t", name, r, ok)
		}
	}
	otherApp, otherSecret := newSeal("IDA2", secret.New("the secret")), newSeal("IDA1", secret.New("another"))
	for name, open := range map[string]func() (record, bool){
		"another version": func() (record, bool) { return s.open(version+1, sealed) },
		"another app":     func() (record, bool) { return otherApp.open(version, sealed) },
		"another secret":  func() (record, bool) { return otherSecret.open(version, sealed) },
	} {
		if _, ok := open(); ok && (name != "another version" || version+1 != 0) {
			t.Errorf("%s opens it", name)
		}
	}
}

// checkRoundTrip seals a record and opens it again.
func checkRoundTrip(t *testing.T, s *seal, version uint64, r *record) {
	t.Helper()
	sealed := s.close(version, r)
	again, ok := s.open(version, sealed)
	if diff := cmp.Diff(r, &again, cmp.AllowUnexported(shared{})); !ok || diff != "" {
		t.Errorf("%s came back otherwise, %t: %s", r.encode(), ok, diff)
	}
}

// checkVerdict says the rules in another way: which of them hold for a record, in turn.
func checkVerdict(t *testing.T, r *record, now time.Time, rejected string) {
	t.Helper()
	r.settle(fuzzSchedule.Overlap)
	p := r.Pair
	has := p != nil && p.Ticket.Reveal() != rejected && p.Expires.After(now)
	busy := r.Lease != nil && r.Lease.Until.After(now)
	held := r.Failure != nil && r.Failure.Until.After(now)
	want := renew
	switch {
	case has && p.Renew.After(now):
		want = use
	case has && (busy || held):
		want = later
	case busy:
		want = wait
	case held:
		want = failed
	case p != nil && p.Ticket.Reveal() == rejected && p.Renew.After(now):
		pause := time.Duration(0)
		if p.Forced {
			pause = fuzzSchedule.Overlap
		}
		if p.Futile {
			pause = fuzzSchedule.Refresh / 2
		}
		if now.Sub(p.Minted) < pause {
			want = denied
		}
	}
	if got := fuzzSchedule.decide(r, now, secret.New(rejected)); got != want {
		t.Errorf("%s at %v, %q rejected: verdict %d, want %d", r.encode(), now, rejected, got, want)
	}
}

// checkServed has an instance find the text in its store.
func checkServed(t *testing.T, s *seal, version uint64, sealed []byte, rejected string) {
	t.Helper()
	store := &Memory{values: map[string]Value{s.name: {Version: version, Data: sealed}}}
	c := New(Config{Apps: map[string]App{"IDA1": {Issuer: fuzzMint{}, Secret: secret.New("the secret")}}, Store: store, Schedule: fuzzSchedule})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	p, renewal, err := c.Get(ctx, "IDA1")
	renewal.Wait()
	var failure *Failure
	switch {
	case errors.As(err, &failure), errors.Is(err, context.DeadlineExceeded):
		return // somebody may be renewing, or failed to: so the record says
	case err != nil:
		t.Fatalf("%T: %v", err, err)
	case p.Ticket.IsEmpty() || p.State(time.Now()) == Absent:
		t.Fatalf("a pair in state %s with ticket %q", p.State(time.Now()), p.Ticket.Reveal())
	}
	if p.Source() == Shared && p.Ticket.Reveal() == rejected {
		next, renewal, err := c.Reject(ctx, "IDA1", p)
		renewal.Wait()
		if err == nil && next.Ticket.Reveal() == rejected {
			t.Error("the rejected ticket again")
		}
	}
}
