package ticket

import (
	mathrand "math/rand/v2"
	"slices"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// record is the value that instances share about an app. Its moments are by the
// store's clock. plainRecord is what is stored of it.
type record struct {
	Pair    *shared
	Pending *pending
	Lease   *lease
	Failure *failure
}

// shared is a pair as instances share it.
type shared struct {
	// Generation grows with every pair of an app: the store's clock at the mint, in
	// milliseconds, and always more than its predecessor's. So an order is kept
	// even where a store lost its memory.
	Generation uint64
	Token      secret.Text
	Ticket     secret.Text
	terms
	Former []former // newest first; not changed in place: copies of a pair have it in common
}

// former is a pair that ended not long ago. What was signed with its ticket may yet have to be
// checked, and a server that signs by itself may still send its token.
type former struct {
	Token  secret.Text
	Ticket secret.Text
	End    time.Time
}

// mostFormer bounds the former tickets of a pair. A pair that is renewed when due has one or
// two; another server that voids it every few minutes brings about more. Each takes about 230 bytes.
const mostFormer = 8

// terms is what a pair is good for, without its secrets.
type terms struct {
	Minted  time.Time `json:"minted"`
	Renew   time.Time `json:"renew"`
	Expires time.Time `json:"expires"`
	Forced  bool      `json:"forced,omitempty"` // minted because its predecessor was rejected
	Row     int       `json:"row,omitempty"`    // forced mints in a row up to this one, none of them proved
	Proved  bool      `json:"proved,omitempty"` // forced, and the request that forced it was accepted with it
	Futile  bool      `json:"futile,omitempty"` // forced, and rejected in its turn
	// From Renew on it may be void: nobody knows whether a token call an overlap before
	// that issued a token.
	Doubtful bool `json:"doubtful,omitempty"`
}

// same reports whether two records of a generation say the same.
func (s *shared) same(o *shared) bool {
	return s.Generation == o.Generation && s.Ticket.Equal(o.Ticket) && s.Renew.Equal(o.Renew) && s.Expires.Equal(o.Expires) &&
		s.Futile == o.Futile && s.Proved == o.Proved && s.Doubtful == o.Doubtful &&
		slices.EqualFunc(s.Former, o.Former, func(a, b former) bool { return a.Ticket.Equal(b.Ticket) })
}

// remember adds to s the ticket of an earlier pair, which ended with s at the latest, and that
// pair's former ones; now is where they are counted from.
func (s *shared) remember(earlier *shared, now time.Time, schedule Schedule) {
	if earlier == nil {
		return
	}
	end := s.Minted.Add(schedule.Overlap)
	if earlier.Expires.Before(end) {
		end = earlier.Expires
	}
	var list []former
	for _, old := range slices.Concat(s.Former, []former{{earlier.Token, earlier.Ticket, end}}, earlier.Former) {
		known := old.Ticket.Equal(s.Ticket) || slices.ContainsFunc(list, func(f former) bool { return f.Ticket.Equal(old.Ticket) })
		if !known && schedule.isRecent(old.End, now) {
			list = append(list, old)
		}
	}
	slices.SortStableFunc(list, func(a, b former) int { return b.End.Compare(a.End) })
	s.Former = list[:min(len(list), mostFormer)]
}

// doubt notes that a token call whose answer was lost may have issued a token: the pair
// then ends at the given moment. Until then another token might end it at once, so that it
// is not due before.
func (s *shared) doubt(end time.Time) {
	if s != nil && !s.Doubtful {
		s.Doubtful, s.Renew = true, end
	}
}

// endBy makes end the hard expiry, if it is earlier.
func (s *shared) endBy(end time.Time) {
	if end.Before(s.Expires) {
		s.Expires = end
	}
}

// pending is a token whose ticket could not be had yet. Another token within the
// same minute would end the pair in use at once, so the next attempt takes it up.
type pending struct {
	Token  secret.Text
	Minted time.Time
	Life   time.Duration
	After  uint64 // generation of the pair in use when it was issued
}

// lease is the right to renew, until it ends.
type lease struct {
	Holder string    `json:"holder"`
	Until  time.Time `json:"until"`
}

// failure is a renewal that failed: nobody tries again before Until.
type failure struct {
	Count   int       `json:"count"`
	Until   time.Time `json:"until"`
	Reason  string    `json:"reason"`
	Refused bool      `json:"refused,omitempty"` // the secret was not accepted
}

// leased reports whether somebody may be renewing at now.
func (r *record) leased(now time.Time) bool { return r.Lease != nil && now.Before(r.Lease.Until) }

// failing reports whether renewals are held off at now.
func (r *record) failing(now time.Time) bool {
	return r.Failure != nil && now.Before(r.Failure.Until)
}

// settle ends the pair in use where a newer token is pending: that one has
// started its last minute.
func (r *record) settle(overlap time.Duration) {
	if p := r.Pending; p != nil && r.Pair != nil && r.Pair.Generation == p.After {
		r.Pair.endBy(p.Minted.Add(overlap))
	}
}

// clip drops what no instance can have meant at now: the store's clock has gone back
// since, and by its present time a lease or a back-off would last for as long as the clock
// went back. A pair from the future has an unknown age: it is due. It reports whether
// there was such a thing. The writer of a moment may have been wrong about the store's
// clock by the length of a call.
func (r *record) clip(now time.Time, s Schedule) (clipped bool) {
	last := now.Add(s.lease() / 6)
	if r.Lease != nil && r.Lease.Until.After(last.Add(s.lease())) {
		r.Lease, clipped = nil, true
	}
	if r.Failure != nil && r.Failure.Until.After(last.Add(s.longestBackoff())) {
		r.Failure, clipped = nil, true
	}
	if r.Pending != nil && r.Pending.Minted.After(last) {
		r.Pending, clipped = nil, true
	}
	if r.Pair != nil && r.Pair.Minted.After(last) && r.Pair.Renew.After(now) {
		r.Pair.Renew, clipped = now, true
	}
	return clipped
}

// Schedule is when pairs are renewed.
type Schedule struct {
	Refresh time.Duration // age at which a pair is renewed
	Overlap time.Duration // how long a pair lives on once a newer one was issued
}

// isRecent reports whether a ticket that ends at end is in force at now, or ended within the last
// Refresh: a result may take so long from the vendor, through a front end, to its check.
func (s Schedule) isRecent(end, now time.Time) bool { return now.Before(end.Add(s.Refresh)) }

// lease is the longest a renewal may take, from its lease to its publication. Half
// the overlap: where a holder died just after its token was issued, the next one
// still renews before the pair in use ends.
func (s Schedule) lease() time.Duration { return s.Overlap / 2 }

// work is the part of the lease for the two calls; the rest is for publishing.
func (s Schedule) work() time.Duration { return s.lease() * 4 / 5 }

// Fits reports whether the two calls of a renewal, of up to call each, fit into its
// lease and leave time to publish. Where they do not, they are cut off.
func (s Schedule) Fits(call time.Duration) bool { return 2*call <= s.work() }

// storeCall bounds one access to the store. One that takes longer than the lease leaves
// is no danger: it finds that the record has moved on.
func (s Schedule) storeCall() time.Duration {
	return max(500*time.Millisecond, min(2*time.Second, s.lease()/8))
}

// again is how soon an instance looks at the store again when it did not find what
// it looked for: often enough to see a new pair while the previous one lives.
func (s Schedule) again() time.Duration { return s.Overlap / 6 }

// backoff is how long nobody renews after count failures in a row: at most so long
// that several tries fit into the last minute of a pair, which a renewal may have
// started before it failed.
func (s Schedule) backoff(count int) time.Duration {
	return exponential(min(time.Second, s.Overlap/60), count, s.longestBackoff())
}

func (s Schedule) longestBackoff() time.Duration { return s.Overlap / 6 }

// exponential returns first for a count of 1, twice that for 2, and so on up to most.
func exponential(first time.Duration, count int, most time.Duration) time.Duration {
	wait := first
	for range count - 1 {
		if wait *= 2; wait >= most {
			return most
		}
	}
	return wait
}

// quickMints is how many mints upon rejections in a row an instance without the store has
// an overlap apart. Each voids what the other instances have, which so must follow: that
// costs nobody a query while the store is away for some minutes, and after that it is a
// flood which grows with the number of instances.
const quickMints = 3

// solitude is how long after such a mint, the given one in a row, the instance does not
// have another upon a rejection: from then on exponentially longer and at random, so that
// instances do not void one another in step.
func (s Schedule) solitude(count int) time.Duration {
	if count <= quickMints {
		return s.Overlap
	}
	wait := exponential(4*s.Overlap, count-quickMints, s.Refresh/2)
	return max(s.Overlap, wait/2+mathrand.N(wait/2+1)) // #nosec G404 -- keeps instances out of step, and no secret
}

// verdict is what to do about a record.
type verdict int

const (
	use    verdict = iota // the pair is fresh
	later                 // the pair serves; somebody renews it, or tried just now
	renew                 // take the lease and renew
	wait                  // there is no pair to use; somebody renews it
	failed                // there is no pair to use; the renewal failed just now
	denied                // the pair was rejected, but renewing it again so soon would not help
)

// decide says what an instance does that finds r at now. rejected is the ticket
// that the upstream rejected; empty: none.
func (s Schedule) decide(r *record, now time.Time, rejected secret.Text) verdict {
	p := r.Pair
	unwanted := p != nil && p.Ticket.Equal(rejected)
	usable := p != nil && !unwanted && now.Before(p.Expires)
	switch {
	case usable && now.Before(p.Renew):
		return use
	case r.leased(now):
		return either(usable, later, wait)
	case r.failing(now):
		return either(usable, later, failed)
	case unwanted && !p.Doubtful && now.Before(p.Renew) && now.Before(s.ceiling(p)):
		return denied
	}
	return renew
}

func either(cond bool, yes, no verdict) verdict {
	if cond {
		return yes
	}
	return no
}

// ceiling is the moment before which a rejection of p does not lead to another mint.
// The upstream's rejection also means a bad sign or a bad parameter. A pair
// cannot have been voided while it is younger than the overlap; one that was
// minted upon a rejection and did not help says that the fault is elsewhere, and so does
// a second one in a row of which nobody knows whether it helped: a caller that hangs up
// before that is known must not be better off.
func (s Schedule) ceiling(p *shared) time.Time {
	switch {
	case p.Futile, p.Row > 1:
		return p.Minted.Add(s.Refresh / 2)
	case p.Forced:
		return p.Minted.Add(s.Overlap)
	}
	return p.Minted
}
