package simulator

import (
	"net/http"
	"time"
)

// answerSigned answers a call that broke no rule and has to be signed: by its signature
// first, then as the order number's scenario says.
func (s *Simulator) answerSigned(w http.ResponseWriter, r *http.Request, q *request) {
	q.received = time.Now() // an interceptor may have taken its time
	sc := scenarioFor(q.call, q.orderNo())
	signed, h := s.admit(q, sc)
	if !signed {
		s.refuse(w, q, "400101")
		return
	}
	if code := sc.code(q.kind); code != "" && (sc.failures == 0 || h.calls <= sc.failures) {
		s.refuse(w, q, code)
		return
	}
	d := document{kind: q.kind, appID: q.appID, orderNo: q.orderNo(), shape: sc.shape, now: q.received}
	if code := s.complete(&d, q, sc, h); code != "" {
		s.refuse(w, q, code)
		return
	}
	b := d.body(&s.photos)
	s.send(w, r, sc, &b)
}

// complete carries the call out: it puts into the document what only this call has, or
// returns the code of a refusal.
func (s *Simulator) complete(d *document, q *request, sc Scenario, h history) (code string) {
	switch q.call {
	case ResultCall:
		if q.values["get_file"] == "1" {
			d.pictures = s.pictures(q.kind, d.orderNo, sc.shape)
		}
	case VerdictCall:
		if code := s.judgeFace(d, q, sc); code != "" {
			return code
		}
		d.pictures = s.faceFiles(q, sc)
	case UploadCall:
		if !sc.undone {
			return s.upload(d, q, sc)
		}
	case PictureCall:
		s.mu.Lock()
		q.account.counts.Pictures++
		s.mu.Unlock()
	}
	if sc.shape.late && q.received.Before(h.first.Add(s.cfg.PhotoLag)) {
		d.pictures = blank(d.pictures)
	}
	return ""
}

// send answers with a body, or as the scenario wants it.
func (s *Simulator) send(w http.ResponseWriter, r *http.Request, sc Scenario, b *body) {
	switch {
	case sc.pause && !wait(r, s.cfg.Pause):
		// The client left: nobody is there to be answered.
	case sc.fault != nil:
		sc.fault(w, b)
	default:
		b.send(w)
	}
}

// admit checks the signature and counts the call in its order's history, if
// the scenario depends on it.
func (s *Simulator) admit(q *request, sc Scenario) (signed bool, h history) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !signedBy(q.account.tickets, q, q.signed) {
		if why := misSigned(q.account, q); why != "" {
			s.violate("%s %s: %s", q.http.Method, q.http.URL.Path, why)
		}
		return false, h
	}
	return true, q.account.history(q.call, q.orderNo(), q.received, sc)
}

// history counts a call, and returns the zero history for a scenario that does not depend
// on it.
func (a *account) history(c Call, name string, now time.Time, sc Scenario) history {
	if sc.failures == 0 && !sc.shape.late {
		return history{}
	}
	return a.visit(c, name, now)
}
