package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Call is a kind of call to the API.
type Call string

// The calls, as [Simulator.Intercept] names them.
const (
	TokenCall  Call = "token"
	TicketCall Call = "ticket"
	ResultCall Call = "result"
)

// The kinds of document, as [Simulator.Photos] names them.
const (
	bankCard = "bankcard"
	idCard   = "idcard"
)

// endpoint is one of the API's paths and the parameters it documents.
type endpoint struct {
	call     Call
	kind     string // of document; for results alone
	required []string
	optional []string
}

var endpoints = map[string]endpoint{
	"/api/oauth2/access_token": {call: TokenCall,
		required: []string{"app_id", "secret", "grant_type", "version"}},
	"/api/oauth2/api_ticket": {call: TicketCall,
		required: []string{"app_id", "access_token", "type", "version"},
		optional: []string{"user_id"}},
	"/api/server/getBankCardOcrResult": {call: ResultCall, kind: bankCard,
		required: []string{"app_id", "order_no", "nonce", "version", "sign"},
		optional: []string{"get_file"}},
	"/api/server/getOcrResult": {call: ResultCall, kind: idCard,
		required: []string{"app_id", "order_no", "nonce", "version", "sign"},
		optional: []string{"get_file", "get_native"}},
}

// harmlessHeaders are those that every HTTP client sends by itself. Anything
// else came from the client's own code, or from its caller.
var harmlessHeaders = []string{"Accept", "Accept-Encoding", "Connection", "User-Agent"}

// request is a call as judged by the rules.
type request struct {
	endpoint
	http     *http.Request
	received time.Time
	account  *account          // nil if the app_id does not exist
	values   map[string]string // by parameter name
	refusal  string            // the code of the first rule broken, "" if none
}

// receive judges a call by every rule that needs no credential, and records
// what it breaks. The caller calls done when the call was answered.
func (s *Simulator) receive(r *http.Request, e endpoint) *request {
	q := &request{endpoint: e, http: r, received: time.Now(), values: map[string]string{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	breaks := func(code, format string, args ...any) {
		s.violate("%s %s: "+format, append([]any{r.Method, r.URL.Path}, args...)...)
		if q.refusal == "" {
			q.refusal = code
		}
	}
	judgeMessage(r, breaks)
	judgeParameters(q, breaks)
	judgeValues(q, breaks)

	q.account = s.accounts[q.values["app_id"]]
	if q.account == nil {
		if q.refusal == "" {
			q.refusal = "400105"
		}
		return q
	}
	if e.call == ResultCall {
		q.account.counts.Queries++
		if n := q.values["nonce"]; n != "" && wellFormedNonce(n) && q.account.replayed(n) {
			breaks("400101", "replayed nonce")
		}
	} else if q.serial() && q.account.overlaps(e.call, r) {
		s.violate("%s %s: a %s call began while another of the same app_id was being answered", r.Method, r.URL.Path, e.call)
	}
	return q
}

// serial says whether calls like this must never be made concurrently. NONCE
// tickets may: every user needs one.
func (q *request) serial() bool {
	return q.call == TokenCall || q.call == TicketCall && q.values["type"] != "NONCE"
}

// done notes that a call was answered.
func (s *Simulator) done(q *request) {
	if q.account == nil || !q.serial() {
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
	var unexpected []string
	for name := range r.Header {
		if !slices.Contains(harmlessHeaders, name) {
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
	names := make([]string, 0, len(given))
	for name := range given {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch values := given[name]; {
		case !slices.Contains(q.required, name) && !slices.Contains(q.optional, name):
			breaks("400101", "unknown parameter %.80q", name)
		case len(values) > 1:
			breaks("400101", "repeated parameter %s", name)
		default:
			q.values[name] = values[0]
		}
	}
	for _, name := range q.required {
		if len(given[name]) == 0 || given[name][0] == "" {
			breaks("400101", "missing parameter %s", name)
		}
	}
}

// judgeValues looks at the values that are there: judgeParameters named the
// missing ones. Lengths come first, as they have a code of their own.
func judgeValues(q *request, breaks breakFunc) {
	for _, name := range []string{"order_no", "user_id"} {
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
	check("nonce", "400101", "32 letters and digits", wellFormedNonce)
	check("sign", "400101", "40 hex digits", wellFormedSign)
	for _, name := range []string{"get_file", "get_native"} {
		if v, ok := q.values[name]; ok && v != "1" {
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
