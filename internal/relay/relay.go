// Package relay is what the function does, whichever way it was asked: it asks the upstream
// for results with the pair that all instances share, and keeps the pairs.
package relay

import (
	"context"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"slices"
	"sync"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/delivery"
	"kyc-ocr-relay/internal/order"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

// What is wrong with a request, fit for callers.
var (
	ErrType    = errors.New("type must be bankcard, idcard or face")
	ErrAppID   = errors.New("app_id is not configured, or is missing where several are")
	ErrOrderNo = errors.New("order_no must be 1 to 32 letters and digits")
)

// Config is what a Relay is made of.
type Config struct {
	Apps       []string // app ids, in the order of the health answer
	DefaultApp string   // what a request without app_id means; "" where it has to say

	Callers     []config.Caller
	NoAuth      bool   // let everybody in: something in front authenticates
	RoutePrefix string // "" or "/segment…"

	Upstream  *upstream.Client
	Tickets   *ticket.Cache
	StoreKind string // for the health answer

	Delivery *delivery.Sinks // nil: there are none, and deliver events fail

	// Stale reports that what the Relay was built from has changed: the request that
	// learns so builds another. It looks from time to time, with now set at once, and may
	// block for a call. nil: it never has.
	Stale func(ctx context.Context, now bool) bool

	Log *slog.Logger
}

// Relay is the function with one set of settings. It is safe for concurrent use.
type Relay struct {
	Config
	callers []caller
}

// New returns a Relay.
func New(c Config) *Relay {
	return &Relay{Config: c, callers: callers(c.Callers)}
}

// Check reports what is wrong with a query: ErrType, ErrAppID or ErrOrderNo. An app id that
// is not configured, or an order number that is none, does not stay in it.
func (r *Relay) Check(q *upstream.Query) error {
	switch {
	case q.Type.Call() == "":
		return ErrType
	case !slices.Contains(r.Apps, q.AppID):
		q.AppID = ""
		return ErrAppID
	case !order.IsNo(q.OrderNo):
		q.OrderNo = ""
		return ErrOrderNo
	}
	return nil
}

// Named returns the query for the result that o names. Its errors are those of Check.
func (r *Relay) Named(o order.Order) (upstream.Query, error) {
	q := upstream.Query{Type: upstream.Type(o.Type), AppID: o.AppID, OrderNo: o.No}
	return q, r.Check(&q)
}

// Renewals is what became of the apps' pairs.
type Renewals struct {
	Renewed []string `json:"renewed"`
	Fresh   []string `json:"fresh"`
	Failed  []string `json:"failed"`
}

// renewing is how many apps are renewed at once. A renewal asks the upstream twice and the
// store three times, and the upstream is the slower one: four for each call that the store
// takes at a time keep both busy. All at once would only queue, each with its time limit
// running; and an upstream that throttles is not asked for all apps in one moment.
const renewing = 4 * ticket.StoreCalls

// Renew renews every app's pair that is due. It blocks until that is done. Where ctx ends before, it leaves
// others out each time: in one order it would be the last apps for ever.
func (r *Relay) Renew(ctx context.Context) Renewals {
	renewed, errs := make([]bool, len(r.Apps)), make([]error, len(r.Apps))
	next := make(chan int)
	var group sync.WaitGroup
	for range min(renewing, len(r.Apps)) {
		group.Go(func() {
			for i := range next {
				renewed[i], errs[i] = r.Tickets.Renew(ctx, r.Apps[i])
			}
		})
	}
	for _, i := range mathrand.Perm(len(r.Apps)) {
		next <- i
	}
	close(next)
	group.Wait()
	result := Renewals{[]string{}, []string{}, []string{}}
	for i, app := range r.Apps {
		switch {
		case errs[i] != nil:
			result.Failed = append(result.Failed, app)
		case renewed[i]:
			result.Renewed = append(result.Renewed, app)
		default:
			result.Fresh = append(result.Fresh, app)
		}
	}
	return result
}
