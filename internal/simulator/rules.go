package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// harmlessHeaders are those that every HTTP client sends by itself. Anything
// else came from the client's own code, or from its caller.
var harmlessHeaders = []string{"Accept", "Accept-Encoding", "Connection", "User-Agent"}

// request is a call as judged by the rules.
type request struct {
	endpoint
	http     *http.Request
	received time.Time
	appID    string
	account  *account          // nil if the app does not exist
	values   map[string]string // of its parameters or members, by name
	refusal  string            // the code of the first rule broken, "" if none
}

// orderNo returns the order number of the call, "" if it has none.
func (q *request) orderNo() string {
	if v, ok := q.values["order_no"]; ok {
		return v
	}
	return q.values["orderNo"]
}

// noun is what the call's values are called.
func (q *request) noun() string {
	if q.post {
		return "member"
	}
	return "parameter"
}

// receive judges a call by every rule that needs no credential, and records
// what it breaks. The caller calls done when the call was answered.
func (s *Simulator) receive(r *http.Request, e endpoint, body []byte) *request {
	q := &request{endpoint: e, http: r, received: time.Now(), values: map[string]string{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	breaks := func(code, format string, args ...any) {
		s.violate("%s %s: "+format, append([]any{r.Method, r.URL.Path}, args...)...)
		if q.refusal == "" {
			q.refusal = code
		}
	}
	if e.post {
		judgePost(q, body, breaks)
	} else {
		judgeMessage(r, breaks)
		judgeParameters(q, breaks)
	}
	judgeValues(q, breaks)
	if q.call == TicketCall && q.values["type"] == "NONCE" {
		q.call = NonceCall
	}

	q.account = s.accounts[q.appID]
	if q.account == nil {
		if q.refusal == "" {
			q.refusal = "400105"
		}
		return q
	}
	switch q.call {
	case TokenCall, TicketCall:
		if q.account.overlaps(q.call, r) {
			s.violate("%s %s: a %s call began while another of the same app_id was being answered", r.Method, r.URL.Path, q.call)
		}
	case ResultCall, VerdictCall:
		q.account.counts.Queries++
	}
	if n := q.values["nonce"]; n != "" && wellFormedNonce(n) && q.account.replayed(n) {
		breaks("400101", "replayed nonce")
	}
	return q
}

// done notes that a call was answered. Token and SIGN ticket calls must never be made
// concurrently.
func (s *Simulator) done(q *request) {
	if q.account == nil || q.call != TokenCall && q.call != TicketCall {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q.account.ended(q.call, q.http)
}

type breakFunc func(code, format string, args ...any)

func judgeMessage(r *http.Request, breaks breakFunc) {
	if r.Method != http.MethodGet {
		breaks("400101", "wrong method, GET expected")
	}
	if r.ContentLength != 0 || len(r.TransferEncoding) > 0 {
		breaks("400101", "a body was sent")
	}
	judgeHeaders(r, harmlessHeaders, breaks)
}

func judgeHeaders(r *http.Request, harmless []string, breaks breakFunc) {
	var unexpected []string
	for name := range r.Header {
		if !slices.Contains(harmless, name) {
			unexpected = append(unexpected, name)
		}
	}
	slices.Sort(unexpected)
	for _, name := range unexpected {
		breaks("400101", "unexpected header %.80s", name)
	}
}

func judgeParameters(q *request, breaks breakFunc) {
	given, err := url.ParseQuery(q.http.URL.RawQuery)
	if err != nil {
		breaks("400101", "malformed query") // the error's text would quote values
	}
	for _, name := range sortedNames(given) {
		switch values := given[name]; {
		case !q.documents(name):
			breaks("400101", "unknown parameter %.80q", name)
		case len(values) > 1:
			breaks("400101", "repeated parameter %s", name)
		default:
			q.values[name] = values[0]
		}
	}
	q.judgeMissing(breaks)
}

// documents reports whether the page of the call has a parameter or member of this name.
func (q *request) documents(name string) bool {
	return slices.Contains(q.apps, name) || slices.Contains(q.required, name) || slices.Contains(q.optional, name)
}

// judgeMissing finds the app, and looks for what the call needs. A repeated parameter is
// not taken for a missing one.
func (q *request) judgeMissing(breaks breakFunc) {
	named := 0
	for _, name := range q.apps {
		if v, ok := q.values[name]; ok {
			q.appID = v
			named++
		}
	}
	if named > 1 {
		breaks("400101", "the app is named %d times", named)
	}
	if q.appID == "" {
		breaks("400101", "missing %s %s", q.noun(), q.apps[0])
	}
	for _, name := range q.required {
		if q.values[name] == "" && len(q.http.URL.Query()[name]) < 2 {
			breaks("400101", "missing %s %s", q.noun(), name)
		}
	}
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// judgeValues looks at the values that are there: judgeMissing named those that are not.
// Lengths come first, as they have a code of their own.
func judgeValues(q *request, breaks breakFunc) {
	for _, name := range []string{"order_no", "orderNo", "user_id", "userId"} {
		if len(q.values[name]) > 32 {
			breaks("66660000", "%s is longer than 32 bytes", name)
		}
	}
	check := func(name, code, what string, ok func(string) bool) {
		if v := q.values[name]; v != "" && !ok(v) {
			breaks(code, "%s is not %s", name, what)
		}
	}
	check("version", "400502", "1.0.0", is("1.0.0"))
	check("grant_type", "400101", "client_credential", is("client_credential"))
	check("type", "400101", "SIGN or NONCE", is("SIGN", "NONCE"))
	check("order_no", "400101", "made of letters and digits", alphanumeric)
	check("orderNo", "400101", "made of letters and digits", alphanumeric)
	check("nonce", "400101", "32 letters and digits", wellFormedNonce)
	check("sign", "400101", "40 hex digits", wellFormedSign)
	check("sourcePhotoType", "400101", "1 or 2", is("1", "2"))
	check("queryVersion", "400101", "1.0", is("1.0"))
	for _, name := range []string{"get_file", "get_native", "liveInterType", "getWillFile"} {
		if v, ok := q.values[name]; ok && v != "1" && q.call != VerdictCall {
			breaks("400101", "%s is not 1, the only value documented", name)
		}
	}
	_, user := q.values["user_id"]
	switch {
	case user && q.values["type"] == "SIGN":
		breaks("400101", "unknown parameter user_id for type SIGN")
	case q.values["type"] == "NONCE" && q.values["user_id"] == "":
		breaks("400101", "missing parameter user_id for type NONCE")
	}
	if q.call == UploadCall && q.kind != certificate {
		judgeCompared(q, breaks)
	}
}

// judgeCompared looks at what a face is to be compared with: name and number, which go
// with one another, a photo, or both.
func judgeCompared(q *request, breaks breakFunc) {
	v := q.values
	if (v["name"] == "") != (v["idNo"] == "") {
		breaks("400101", "one of name and idNo is missing")
	}
	if v["name"] == "" && v["sourcePhotoStr"] == "" {
		breaks("400101", "neither name and idNo nor a photo")
	}
	if v["sourcePhotoType"] != "" && v["sourcePhotoStr"] == "" {
		breaks("400101", "sourcePhotoType without a photo")
	}
}

func is(allowed ...string) func(string) bool {
	return func(v string) bool { return slices.Contains(allowed, v) }
}

func alphanumeric(v string) bool {
	return strings.Trim(v, lettersAndDigits) == ""
}

func wellFormedNonce(v string) bool {
	return len(v) == 32 && alphanumeric(v)
}

func wellFormedSign(v string) bool {
	return len(v) == 40 && strings.Trim(v, "0123456789abcdefABCDEF") == ""
}
