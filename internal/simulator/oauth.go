package simulator

import (
	"net/http"
	"strconv"
	"time"
)

// china is the zone of every time that the API prints. It has no summer time.
var china = time.FixedZone("UTC+8", 8*60*60)

// stamp prints a time as the API does.
func stamp(t time.Time) string {
	return t.In(china).Format("20060102150405")
}

// seconds prints a life as expire_in: a string, although it is documented as a number.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64(d/time.Second), 10)
}

func (s *Simulator) answerToken(w http.ResponseWriter, q *request) {
	now := time.Now()
	var value string
	s.mu.Lock()
	known := q.account.secret == q.values["secret"]
	if known {
		value = q.account.issueToken(now, s.cfg).value
		q.account.counts.Tokens++
	}
	s.mu.Unlock()
	if !known {
		s.refuse(w, q, "400105")
		return
	}
	var b body
	b.text(`{"code":"0","msg":"请求成功","transactionTime":"` + stamp(now) +
		`","access_token":"` + value +
		`","expire_time":"` + stamp(now.Add(s.cfg.TokenLife)) +
		`","expire_in":"` + seconds(s.cfg.TokenLife) + `"}`)
	b.send(w)
}

// answerTicket answers with a SIGN ticket, or with the NONCE ticket of a user as the
// user's scenario says.
func (s *Simulator) answerTicket(w http.ResponseWriter, r *http.Request, q *request) {
	now := time.Now()
	life, sc := s.cfg.TicketLife, scenarioOf("")
	if q.call == NonceCall {
		life, sc = nonceTicketLife, scenarioFor(q.call, q.values["user_id"])
	}
	value, code := s.issue(q, sc, now)
	if code != "" {
		s.refuse(w, q, code)
		return
	}
	var b body
	b.text(`{"code":"0","msg":"请求成功","transactionTime":"` + stamp(now) +
		`","tickets":[{"value":"` + value +
		`","expire_in":"` + seconds(life) +
		`","expire_time":"` + stamp(now.Add(life)) + `"}]}`)
	s.send(w, r, sc, &b)
}

// issue issues a ticket, or returns the code of a refusal.
func (s *Simulator) issue(q *request, sc Scenario, now time.Time) (value, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := q.account
	token := find(a.tokens, q.values["access_token"], now)
	if token == nil {
		return "", "400102"
	}
	if q.call == TicketCall {
		a.counts.Tickets++
		return a.issueTicket(now, token, s.cfg).value, ""
	}
	user := q.values["user_id"]
	if h := a.history(q.call, user, now, sc); sc.all != "" && (sc.failures == 0 || h.calls <= sc.failures) {
		return "", sc.all
	}
	a.counts.Tickets++
	return a.issueNonceTicket(now, token, user).value, ""
}
