package simulator

import (
	"net/http"
	"time"
)

// answerResult answers a query that broke no rule: by its signature first, then
// as the order number's scenario says.
func (s *Simulator) answerResult(w http.ResponseWriter, r *http.Request, q *request) {
	q.received = time.Now() // an interceptor may have taken its time
	orderNo := q.values["order_no"]
	sc := scenarioOf(orderNo)
	signed, h := s.admit(q, sc)
	if !signed {
		s.refuse(w, q, "400101")
		return
	}
	if code := sc.code(q.kind); code != "" && (sc.failures == 0 || h.queries <= sc.failures) {
		s.refuse(w, q, code)
		return
	}
	d := document{kind: q.kind, orderNo: orderNo, shape: sc.shape, now: q.received}
	if q.values["get_file"] == "1" {
		d.pictures = s.pictures(q.kind, orderNo, sc.shape)
		if sc.shape.late && q.received.Before(h.first.Add(s.cfg.PhotoLag)) {
			d.pictures = blank(d.pictures)
		}
	}
	b := d.body(&s.photos)
	switch {
	case sc.pause && !wait(r, s.cfg.Pause):
		// The client left: nobody is there to be answered.
	case sc.fault != nil:
		sc.fault(w, &b)
	default:
		b.send(w)
	}
}

// admit checks the signature and counts the query in its order's history, if
// the scenario depends on it.
func (s *Simulator) admit(q *request, sc Scenario) (signed bool, h history) {
	appID := q.values["app_id"]
	s.mu.Lock()
	defer s.mu.Unlock()
	if !signedBy(q.account.tickets, appID, q) {
		if signedBy(q.account.onetime, appID, q) {
			s.violate("%s %s: signed with a NONCE ticket", q.http.Method, q.http.URL.Path)
		}
		return false, h
	}
	if sc.failures > 0 || sc.shape.late {
		h = q.account.visit(q.values["order_no"], q.received)
	}
	return true, h
}
