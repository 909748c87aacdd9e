package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Counts says what one app_id was answered.
type Counts struct {
	Tokens   int // access tokens answered
	Tickets  int // tickets answered, SIGN and NONCE
	Queries  int // result queries of either product received, whatever became of them
	Uploads  int // face ids issued
	Pictures int // pictures read
	Rejected int // calls but for a token that the simulator answered with 400101, 400102 or 15
}

// maxViolations bounds the memory that a client in a loop can take.
const maxViolations = 1000

// Counts returns the counts of an app so far; zero for an app_id that does not
// exist. Pairs issued by [Simulator.Mint] are not counted: nobody was answered.
func (s *Simulator) Counts(appID string) Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accounts[appID]; a != nil {
		return a.counts
	}
	return Counts{}
}

// Requests returns how many calls of a path arrived, of whatever app and whatever became of
// them.
func (s *Simulator) Requests(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[path]
}

// Mints returns when each access token of the app was issued, oldest first,
// those of [Simulator.Mint] included.
func (s *Simulator) Mints(appID string) []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accounts[appID]; a != nil {
		return slices.Clone(a.mints)
	}
	return nil
}

// Violations returns the rules that clients broke, in plain words and in the
// order they were noticed. Names and paths appear in them, values do not.
func (s *Simulator) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// violate records a broken rule. s.mu is held.
func (s *Simulator) violate(format string, args ...any) {
	switch n := len(s.violations); {
	case n < maxViolations:
		s.violations = append(s.violations, fmt.Sprintf(format, args...))
	case n == maxViolations:
		s.violations = append(s.violations, "more violations followed and were not kept")
	}
}

// Void kills every token and ticket of the app at once, without an overlap.
func (s *Simulator) Void(appID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accounts[appID]; a != nil {
		a.void()
	}
}

// SetSecret changes the app's secret, which voids all of its tokens and tickets.
// An app_id that does not exist yet comes into being.
func (s *Simulator) SetSecret(appID, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[appID]
	if a == nil {
		a = newAccount(secret)
		s.accounts[appID] = a
	}
	a.secret = secret
	a.void()
}

// Mint does what a foreign server with the same app_id does: it is issued a new
// token and SIGN ticket, so that the app's previous pair dies after the overlap.
// Both are empty for an app_id that does not exist.
func (s *Simulator) Mint(appID string) (token, ticket string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[appID]
	if a == nil {
		return "", ""
	}
	now := time.Now()
	t := a.issueToken(now, s.cfg)
	return t.value, a.issueTicket(now, t, s.cfg).value
}

// Intercept installs a test's own fault: f is called once a call was judged
// and counted, before it is answered, and returns true if it answered itself. It
// runs in the call's goroutine and may block. nil removes it. There is one
// interceptor at a time; a path that does not exist never reaches it.
func (s *Simulator) Intercept(f func(w http.ResponseWriter, r *http.Request, c Call) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intercept = f
}
