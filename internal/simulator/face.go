package simulator

import (
	"strings"
	"time"
)

const (
	// faceIDLife is how long a face id can be started with (developer/article/1893550).
	faceIDLife = 5 * time.Minute
	// faceFileLife is how long a verification is kept (1007/114181).
	faceFileLife = 72 * time.Hour
	// duplicateOrder answers an upload whose order number was used. The pages want a new
	// one for each call and name no code.
	duplicateOrder = "66669998"
	noRecord       = "66660020"
)

// verification is a face verification from the upload to the verdict.
type verification struct {
	path    string // of the upload
	clients string // that can start with the face id
	userID  string
	orderNo string
	faceID  string
	dies    time.Time // the face id
	started bool
	done    time.Time // zero: no verdict yet
}

// upload issues a face id for the order.
func (s *Simulator) upload(d *document, q *request, sc Scenario) (code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := q.account
	if a.faces[d.orderNo] != nil {
		s.violate("%s %s: the orderNo was used before", q.http.Method, q.http.URL.Path)
		return duplicateOrder
	}
	v := &verification{path: q.http.URL.Path, clients: q.clients, userID: q.values["userId"], orderNo: d.orderNo,
		faceID: newFaceID(q.kind), dies: q.received.Add(faceIDLife)}
	a.faces[v.orderNo], a.byID[v.faceID] = v, v
	a.counts.Uploads++

	d.uploaded = v.faceID
	if q.kind == faceID && !sc.shape.noDomain {
		d.domain = "kyc1.qcloud.com"
		if sc.shape.foreignDomain {
			d.domain = "elsewhere.invalid"
		}
	}
	return ""
}

// newFaceID returns a face id in the form that was seen: "tx" and 28 letters and digits, or 32
// hex digits from the older call.
func newFaceID(kind string) string {
	random := randomValue()
	if kind == faceID {
		return "tx" + random[:28]
	}
	return strings.ToLower(sign(random)[:32])
}

// judgeFace gives the document its verdict. A verification that began with an upload has
// one once the client has done it, and for three days; any other order number has one.
func (s *Simulator) judgeFace(d *document, q *request, sc Scenario) (code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := q.account.faces[d.orderNo]
	if v != nil && (v.done.IsZero() || !q.received.Before(v.done.Add(faceFileLife))) || sc.shape.noRecord {
		return noRecord
	}
	d.code = sc.verdict
	d.detailed = q.values["queryVersion"] == "1.0"
	return ""
}

// faceFiles returns the files that the query asks for.
func (s *Simulator) faceFiles(q *request, sc Scenario) []picture {
	all := s.pictures(face, q.orderNo(), sc.shape)
	photo, video := all[:1], all[1:]
	if q.kind == photoInfo {
		return photo
	}
	wish := q.values["getFile"]
	if q.kind == oldFace {
		wish = q.values["get_file"]
	}
	switch wish {
	case "1":
		return all
	case "2":
		return photo
	case "3":
		return video
	}
	return nil
}
