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
	onetime []*credential // NONCE: remembered only to tell a client that it signed with the wrong kind
	eras    []era
	orders  map[string]*history
	calls   map[Call][]*http.Request // token and SIGN ticket calls being answered now
	counts  Counts
	mints   []time.Time
}

// era holds the nonces received while ticket was the newest SIGN ticket; the
// first era, and the one after a ticket's death, has a ticket that is dead.
type era struct {
	ticket *credential
	nonces map[string]struct{}
}

// history is what the scenarios that change over time know about an order. It
// is kept for those scenarios alone, and for good.
type history struct {
	first   time.Time
	queries int
}

func newAccount(secret string) *account {
	return &account{
		secret: secret,
		eras:   []era{{ticket: &credential{}, nonces: map[string]struct{}{}}},
		orders: map[string]*history{},
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

// issueNonceTicket issues a NONCE ticket, which retires nothing: there is one
// for every user who starts the OCR.
func (a *account) issueNonceTicket(now time.Time, token *credential) *credential {
	a.onetime = slices.DeleteFunc(a.onetime, func(c *credential) bool { return !c.alive(now) })
	t := newCredential(now.Add(nonceTicketLife), token)
	a.onetime = append(a.onetime, t)
	return t
}

// void kills every credential. The nonces stay: see issueTicket.
func (a *account) void() {
	for _, list := range [][]*credential{a.tokens, a.tickets, a.onetime} {
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

// visit counts a query of an order and returns the order's history with it.
func (a *account) visit(orderNo string, now time.Time) history {
	h := a.orders[orderNo]
	if h == nil {
		h = &history{first: now}
		a.orders[orderNo] = h
	}
	h.queries++
	return *h
}
