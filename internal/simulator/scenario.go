package simulator

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Scenario is what happens to the calls with order numbers, and to the NONCE calls of
// users, that begin with Prefix, in letters of either case. The signature is checked first.
//
// "then" before a prefix spares everything but the query of the result: of the order
// thenreset1, the upload and the client's part go well.
type Scenario struct {
	Prefix string
	What   string // one line for people

	all      string // code for every call; "" = it goes well
	bank, id string // code for the result of a bank card or an ID card, in place of all
	verdict  string // code of a face verification, which comes with its result; "" = 0
	failures int    // how many of an order's calls get the code, after which all goes well; 0 = all
	shape    shape  // of the document found
	pause    bool   // whether the answer takes Config.Pause
	fault    fault  // what is sent in place of the whole document; nil = nothing
	undone   bool   // with a fault: the call is not carried out
}

// shape is how a document differs from the plain one.
type shape struct {
	late        bool // photos are empty at first
	noCrops     bool
	warned      bool
	huge        bool
	odd         bool
	numericCode bool
	noCode      bool

	// Of a face verification alone.
	noFiles       bool
	noVideo       bool
	noRecord      bool
	noDomain      bool
	foreignDomain bool
}

type fault func(w http.ResponseWriter, b *body)

// scenarios is searched from the top: "emptycrop" has to come before "empty".
var scenarios = []Scenario{
	{Prefix: "notfound", What: "no result for this order (66660020)", all: "66660020"},
	{Prefix: "late", What: "found; with get_file=1 the photos are empty until PhotoLag after the order's first query", shape: shape{late: true}},
	{Prefix: "emptycrop", What: "found; with get_file=1 the crops are empty, the originals are there", shape: shape{noCrops: true}},
	{Prefix: "throttled", What: "too many requests (400501)", all: "400501"},
	{Prefix: "transient", What: "internal error (999999) for the order's first two queries, then found", all: "999999", failures: 2},
	{Prefix: "down", What: "internal error (999999), always", all: "999999"},
	{Prefix: "forbidden", What: "no privilege (400104)", all: "400104"},
	{Prefix: "rejected", What: "illegal request (400101), whatever the sign", all: "400101"},
	{Prefix: "toolong", What: "parameter too long (66660000)", all: "66660000"},
	{Prefix: "blurred", What: "the photo is blurred (-9012 for a bank card, 66661004 for an ID card)", bank: "-9012", id: "66661004"},
	{Prefix: "warn", What: "found, with warning codes", shape: shape{warned: true}},
	{Prefix: "unknown", What: "a code that nobody documents (66669999)", all: "66669999"},
	{Prefix: "number", What: "found; code is the number 0", shape: shape{numericCode: true}},
	{Prefix: "odd", What: "found; code comes last, with unknown fields, escapes, white space and big numbers", shape: shape{odd: true}},
	{Prefix: "huge", What: "found; with get_file=1 photos of 3 MB each; \"huge12x…\": a body of 12 MB (1 to 64)", shape: shape{huge: true}},
	{Prefix: "mismatch", What: "face: another person (66669004), with a photo and without a video", verdict: "66669004", shape: shape{noVideo: true}},
	{Prefix: "spoof", What: "face: not a living person (66669005), without photo and video", verdict: "66669005", shape: shape{noFiles: true}},
	{Prefix: "aborted", What: "face: the client gives up (3003), and there is no record", verdict: "3003", shape: shape{noRecord: true}},
	{Prefix: "nodomain", What: "face: the face id comes without an optimalDomain", shape: shape{noDomain: true}},
	{Prefix: "foreigndomain", What: "face: the optimalDomain is not the vendor's", shape: shape{foreignDomain: true}},
	{Prefix: "html", What: "HTTP 200 with an HTML error page", fault: htmlPage},
	{Prefix: "badgateway", What: "HTTP 502 with an HTML page", fault: badGateway, undone: true},
	{Prefix: "truncated", What: "the connection closes after half of the promised bytes", fault: truncated},
	{Prefix: "cut", What: "a complete HTTP answer whose JSON is cut in the middle", fault: cut},
	{Prefix: "empty", What: "HTTP 200 with an empty body", fault: emptyBody},
	{Prefix: "nocode", What: "a JSON object without a code", shape: shape{noCode: true}},
	{Prefix: "slow", What: "found, after Pause", pause: true},
	{Prefix: "reset", What: "the connection is reset without an answer, and nothing is done", fault: reset, undone: true},
	{Prefix: "lost", What: "what is asked for is done, and the connection is reset without an answer", fault: reset},
	{Prefix: "redirect", What: "HTTP 302 to another host", fault: redirect, undone: true},
	{Prefix: "", What: "found"},
}

// Scenarios returns the table of scenarios. The last one has an empty prefix:
// every other order number is found.
func Scenarios() []Scenario {
	return slices.Clone(scenarios)
}

// scenarioOf returns the first scenario whose prefix fits.
func scenarioOf(name string) Scenario {
	name = strings.ToLower(name)
	i := slices.IndexFunc(scenarios, func(sc Scenario) bool { return strings.HasPrefix(name, sc.Prefix) })
	return scenarios[i]
}

// scenarioFor returns the scenario of a call with this order number or user.
func scenarioFor(c Call, name string) Scenario {
	after, deferred := afterThen(name)
	if deferred && c != ResultCall && c != VerdictCall {
		return scenarioOf("")
	}
	return scenarioOf(after)
}

// afterThen returns an order number without the "then" before it.
func afterThen(name string) (after string, found bool) {
	const then = "then"
	if len(name) >= len(then) && strings.EqualFold(name[:len(then)], then) {
		return name[len(then):], true
	}
	return name, false
}

func (sc Scenario) code(kind string) string {
	switch {
	case kind == bankCard && sc.bank != "":
		return sc.bank
	case kind == idCard && sc.id != "":
		return sc.id
	}
	return sc.all
}

// hugeMegabytes returns the N of an order number like hugeNx…, 0 if it has
// none: then the usual 3 MB a photo apply. 64 is far beyond what the vendor
// can send, and still cheap.
func hugeMegabytes(orderNo string) int {
	orderNo, _ = afterThen(orderNo)
	digits, _, ok := strings.Cut(strings.ToLower(orderNo)[len("huge"):], "x")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 || n > 64 {
		return 0
	}
	return n
}
