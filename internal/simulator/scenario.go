package simulator

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Scenario is what happens to the result queries of the order numbers that
// begin with Prefix, in letters of either case. The signature is checked first.
type Scenario struct {
	Prefix string
	What   string // one line for people

	bank, id string // code for a bank card and for an ID card; "" = a document is found
	failures int    // how many of an order's queries get the code, after which it is found; 0 = all
	shape    shape  // of the document found
	pause    bool   // whether the answer takes Config.Pause
	fault    fault  // what is sent in place of the whole document; nil = nothing
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
}

type fault func(w http.ResponseWriter, b *body)

// scenarios is searched from the top: "emptycrop" has to come before "empty".
var scenarios = []Scenario{
	{Prefix: "notfound", What: "no result for this order (66660020)", bank: "66660020", id: "66660020"},
	{Prefix: "late", What: "found; with get_file=1 the photos are empty until PhotoLag after the order's first query", shape: shape{late: true}},
	{Prefix: "emptycrop", What: "found; with get_file=1 the crops are empty, the originals are there", shape: shape{noCrops: true}},
	{Prefix: "throttled", What: "too many requests (400501)", bank: "400501", id: "400501"},
	{Prefix: "transient", What: "internal error (999999) for the order's first two queries, then found", bank: "999999", id: "999999", failures: 2},
	{Prefix: "down", What: "internal error (999999), always", bank: "999999", id: "999999"},
	{Prefix: "forbidden", What: "no privilege (400104)", bank: "400104", id: "400104"},
	{Prefix: "rejected", What: "illegal request (400101), whatever the sign", bank: "400101", id: "400101"},
	{Prefix: "toolong", What: "parameter too long (66660000)", bank: "66660000", id: "66660000"},
	{Prefix: "blurred", What: "the photo is blurred (-9012 for a bank card, 66661004 for an ID card)", bank: "-9012", id: "66661004"},
	{Prefix: "warn", What: "found, with warning codes", shape: shape{warned: true}},
	{Prefix: "unknown", What: "a code that nobody documents (66669999)", bank: "66669999", id: "66669999"},
	{Prefix: "number", What: "found; code is the number 0", shape: shape{numericCode: true}},
	{Prefix: "odd", What: "found; code comes last, with unknown fields, escapes, white space and big numbers", shape: shape{odd: true}},
	{Prefix: "huge", What: "found; with get_file=1 photos of 3 MB each; \"huge12x…\": a body of 12 MB (1 to 64)", shape: shape{huge: true}},
	{Prefix: "html", What: "HTTP 200 with an HTML error page", fault: htmlPage},
	{Prefix: "badgateway", What: "HTTP 502 with an HTML page", fault: badGateway},
	{Prefix: "truncated", What: "the connection closes after half of the promised bytes", fault: truncated},
	{Prefix: "cut", What: "a complete HTTP answer whose JSON is cut in the middle", fault: cut},
	{Prefix: "empty", What: "HTTP 200 with an empty body", fault: emptyBody},
	{Prefix: "nocode", What: "a JSON object without a code", shape: shape{noCode: true}},
	{Prefix: "slow", What: "found, after Pause", pause: true},
	{Prefix: "reset", What: "the connection is reset without an answer", fault: reset},
	{Prefix: "redirect", What: "HTTP 302 to another host", fault: redirect},
	{Prefix: "", What: "found"},
}

// Scenarios returns the table of scenarios. The last one has an empty prefix:
// every other order number is found.
func Scenarios() []Scenario {
	return slices.Clone(scenarios)
}

// scenarioOf returns the first scenario whose prefix fits.
func scenarioOf(orderNo string) Scenario {
	orderNo = strings.ToLower(orderNo)
	i := slices.IndexFunc(scenarios, func(sc Scenario) bool { return strings.HasPrefix(orderNo, sc.Prefix) })
	return scenarios[i]
}

func (sc Scenario) code(kind string) string {
	if kind == bankCard {
		return sc.bank
	}
	return sc.id
}

// hugeMegabytes returns the N of an order number like hugeNx…, 0 if it has
// none: then the usual 3 MB a photo apply. 64 is far beyond what the vendor
// can send, and still cheap.
func hugeMegabytes(orderNo string) int {
	digits, _, ok := strings.Cut(strings.ToLower(orderNo)[len("huge"):], "x")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 || n > 64 {
		return 0
	}
	return n
}
