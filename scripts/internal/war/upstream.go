package war

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/signer"
)

// The app that all instances serve.
const (
	appID  = "IDAwar01"
	secret = "war-secret" // #nosec G101 -- of the simulated upstream
)

// upstream is the simulator, and what it issued to whom.
type upstream struct {
	simulator *simulator.Simulator
	began     time.Time
	stream    *stream
	counts    *counts

	mu    sync.Mutex // held while a token or a ticket is issued, so that their order is known
	pairs []*pair
	last  map[int]int // the pair that last signed a query, by instance
}

// pair is a token and, once that was fetched, its ticket.
type pair struct {
	event  Event
	token  string
	ticket string // "": not fetched yet
}

func newUpstream(s *stream, c *counts) *upstream {
	return &upstream{
		simulator: simulator.New(simulator.Config{
			Apps: map[string]string{appID: secret}, Overlap: overlap, TicketLife: ticketLife, TokenLife: tokenLife,
		}),
		began: c.began, stream: s, counts: c, last: map[int]int{},
	}
}

// of is the upstream as an instance sees it.
func (u *upstream) of(instance int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/oauth2/access_token", "/api/oauth2/api_ticket":
			u.issue(w, r, instance)
		default:
			u.note(r.URL.Query(), instance)
			u.simulator.ServeHTTP(w, r)
		}
	})
}

// note notes which pair signs a query, if it is one of those that live.
func (u *upstream) note(query url.Values, instance int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	v := signer.Values{AppID: appID, OrderNo: query.Get("order_no"), Nonce: query.Get("nonce")}
	for _, p := range slices.Backward(u.pairs) {
		if p.ticket != "" && strings.EqualFold(query.Get("sign"), signer.ByOrder.Sign(v, p.ticket)) {
			u.last[instance] = p.event.Pair
			return
		}
	}
}

// used returns the number of the pair that last signed a query of an instance.
func (u *upstream) used(instance int) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.last[instance]
}

func (u *upstream) issue(w http.ResponseWriter, r *http.Request, instance int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var a answer
	u.simulator.ServeHTTP(&a, r)
	var issued struct {
		AccessToken string `json:"access_token"`
		Tickets     []struct{ Value string }
	}
	_ = json.Unmarshal(a.body.Bytes(), &issued) // a refusal issues nothing
	switch {
	case issued.AccessToken != "":
		u.counts.mint()
		u.token(instance, issued.AccessToken)
	case len(issued.Tickets) > 0:
		u.ticket(r.URL.Query().Get("access_token"), issued.Tickets[0].Value)
	}
	a.writeTo(w)
}

// foreign issues a pair to a server that is none of the instances.
func (u *upstream) foreign() {
	u.mu.Lock()
	defer u.mu.Unlock()
	token, ticket := u.simulator.Mint(appID)
	u.token(foreigner, token)
	u.ticket(token, ticket)
}

// token notes that one was issued, which ends all others an overlap later. u.mu is held.
func (u *upstream) token(instance int, value string) {
	at := u.now()
	for _, p := range u.pairs {
		u.replace(p, at)
	}
	p := &pair{token: value, event: Event{
		Kind: PairLife, At: at, Instance: instance, Pair: len(u.pairs) + 1, Until: at + ticketLife.Milliseconds(),
	}}
	u.pairs = append(u.pairs, p)
	u.stream.send(p.event)
}

// ticket notes that one was issued for a token, which ends all other tickets. u.mu is held.
func (u *upstream) ticket(token, value string) {
	at := u.now()
	for _, p := range u.pairs {
		switch {
		case p.token == token:
			p.ticket = value
		case p.ticket != "":
			u.replace(p, at)
		}
	}
}

func (u *upstream) replace(p *pair, at int64) {
	if p.event.Replaced == 0 {
		p.event.Replaced, p.event.Until = at, min(p.event.Until, at+overlap.Milliseconds())
		u.stream.send(p.event)
	}
}

// now is the time since the run began, in milliseconds.
func (u *upstream) now() int64 { return time.Since(u.began).Milliseconds() }
