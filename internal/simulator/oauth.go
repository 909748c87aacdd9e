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

func (s *Simulator) answerTicket(w http.ResponseWriter, q *request) {
	now := time.Now()
	life := s.cfg.TicketLife
	var value string
	s.mu.Lock()
	token := find(q.account.tokens, q.values["access_token"], now)
	switch {
	case token == nil:
	case q.values["type"] == "NONCE":
		life = nonceTicketLife
		value = q.account.issueNonceTicket(now, token).value
		q.account.counts.Tickets++
	default:
		value = q.account.issueTicket(now, token, s.cfg).value
		q.account.counts.Tickets++
	}
	s.mu.Unlock()
	if token == nil {
		s.refuse(w, q, "400102")
		return
	}
	var b body
	b.text(`{"code":"0","msg":"请求成功","transactionTime":"` + stamp(now) +
		`","tickets":[{"value":"` + value +
		`","expire_in":"` + seconds(life) +
		`","expire_time":"` + stamp(now.Add(life)) + `"}]}`)
	b.send(w)
}
