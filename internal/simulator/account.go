package simulator

import (
	"net/http"
	"slices"
	"time"
)

// account is the state of one app_id. Simulator.mu guards all of it.
type account struct {
	secret  string
	tokens  []*credential
	tickets []*credential // SIGN
	onetime []*onetime
	eras    []era
	orders  map[string]*history
	faces   map[string]*verification // by order number
	byID    map[string]*verification // by face id
	calls   map[Call][]*http.Request // token and SIGN ticket calls that are being answered now
	counts  Counts
	mints   []time.Time
}

// era holds the nonces received while ticket was the newest SIGN ticket; the
// first era, and the one after a ticket's death, has a ticket that is dead.
type era struct {
	ticket *credential
	nonces map[string]struct{}
}

// history is what the scenarios that change over time know about an order, or a user of
// NONCE tickets, and one kind of call. It is kept for those scenarios alone, and for good.
type history struct {
	first time.Time
	calls int
}

func newAccount(secret string) *account {
	return &account{
		secret: secret,
		eras:   []era{{ticket: &credential{}, nonces: map[string]struct{}{}}},
		orders: map[string]*history{},
		faces:  map[string]*verification{},
		byID:   map[string]*verification{},
		calls:  map[Call][]*http.Request{},
	}
}

// issueToken puts a new access token in front of the others, which die one
// overlap from now at the latest.
func (a *account) issueToken(now time.Time, cfg Config) *credential {
	a.tokens = retire(a.tokens, now, cfg.Overlap)
	t := newCredential(now.Add(cfg.TokenLife), nil)
	a.tokens = append(a.tokens, t)
	a.mints = append(a.mints, now)
	return t
}

// issueTicket puts a new SIGN ticket in front of the others, which die one
// overlap from now at the latest. It forgets the nonces that no living ticket
// can sign any more, but for the last era's: a client that was just refused
// must not come back with the same nonce.
func (a *account) issueTicket(now time.Time, token *credential, cfg Config) *credential {
	a.tickets = retire(a.tickets, now, cfg.Overlap)
	t := newCredential(now.Add(cfg.TicketLife), token)
	a.tickets = append(a.tickets, t)

	last := a.eras[len(a.eras)-1]
	a.eras = slices.DeleteFunc(a.eras[:len(a.eras)-1], func(e era) bool { return !e.ticket.alive(now) })
	a.eras = append(a.eras, last, era{ticket: t, nonces: map[string]struct{}{}})
	return t
}

// onetime is a NONCE ticket.
type onetime struct {
	*credential
	userID string
}

// issueNonceTicket issues a NONCE ticket, which retires nothing: there is one
// for every user who starts.
func (a *account) issueNonceTicket(now time.Time, token *credential, userID string) *credential {
	a.onetime = slices.DeleteFunc(a.onetime, func(c *onetime) bool { return !c.alive(now) })
	t := newCredential(now.Add(nonceTicketLife), token)
	a.onetime = append(a.onetime, &onetime{t, userID})
	return t
}

// onetimeTickets returns the NONCE tickets that were not used.
func (a *account) onetimeTickets() (list []*credential) {
	for _, t := range a.onetime {
		list = append(list, t.credential)
	}
	return list
}

// redeem uses up the NONCE ticket of the user that signs the values, and reports whether
// there was one.
func (a *account) redeem(now time.Time, userID, given string, values ...string) bool {
	i := slices.IndexFunc(a.onetime, func(t *onetime) bool {
		return t.userID == userID && t.alive(now) && t.signs(given, values...)
	})
	if i < 0 {
		return false
	}
	a.onetime = slices.Delete(a.onetime, i, i+1)
	return true
}

// void kills every credential. The nonces stay: see issueTicket.
func (a *account) void() {
	for _, list := range [][]*credential{a.tokens, a.tickets, a.onetimeTickets()} {
		for _, c := range list {
			c.dies = time.Time{}
		}
	}
	a.tokens, a.tickets, a.onetime = nil, nil, nil
}

// replayed remembers a nonce and reports whether it came before.
func (a *account) replayed(nonce string) bool {
	for _, e := range a.eras {
		if _, ok := e.nonces[nonce]; ok {
			return true
		}
	}
	a.eras[len(a.eras)-1].nonces[nonce] = struct{}{}
	return false
}

// overlaps notes that a call began and reports whether another of its kind is
// still being answered. A call that its client gave up is not counted, although
// the client may have left it before the simulator noticed.
func (a *account) overlaps(c Call, r *http.Request) bool {
	busy := slices.ContainsFunc(a.calls[c], func(other *http.Request) bool { return other.Context().Err() == nil })
	a.calls[c] = append(a.calls[c], r)
	return busy
}

// ended notes that a call was answered.
func (a *account) ended(c Call, r *http.Request) {
	a.calls[c] = slices.DeleteFunc(a.calls[c], func(other *http.Request) bool { return other == r })
}

// visit counts a call of an order, or of a user, and returns the history of the two.
func (a *account) visit(c Call, name string, now time.Time) history {
	key := string(c) + " " + name
	h := a.orders[key]
	if h == nil {
		h = &history{first: now}
		a.orders[key] = h
	}
	h.calls++
	return *h
}
