package relay

import (
	"context"
	"errors"
	"time"

	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

// Ask asks for a result with the app's pair, and notes in t what that came to. It returns
// after the renewals it began have ended. The upstream's answers are no errors, whatever
// their code; the errors are *upstream.Error, *ticket.Failure and that of ctx.
func (r *Relay) Ask(ctx context.Context, q upstream.Query, t *upstream.Trace) (*upstream.Answer, error) {
	return r.withPair(ctx, q.AppID, t, func(pair *ticket.Pair) (*upstream.Answer, error) {
		q.Ticket = pair.Ticket
		start := time.Now()
		answer, err := r.Upstream.Result(ctx, q)
		t.Note(time.Since(start), answer, err)
		return answer, err
	})
}

// Call makes a signed call with the app's pair, as Ask does. A POST is sent again only after
// a rejection.
func (r *Relay) Call(ctx context.Context, call upstream.Call, p upstream.Params, t *upstream.Trace) (*upstream.Answer, error) {
	return r.withPair(ctx, p.AppID, t, func(pair *ticket.Pair) (*upstream.Answer, error) {
		p.Ticket = pair.Ticket
		start := time.Now()
		answer, err := r.Upstream.Do(ctx, call, p)
		t.Note(time.Since(start), answer, err)
		return answer, err
	})
}

// withPair has try ask the upstream with the app's pair, and again with another one where
// that is rejected.
func (r *Relay) withPair(ctx context.Context, app string, t *upstream.Trace, try func(*ticket.Pair) (*upstream.Answer, error)) (*upstream.Answer, error) {
	var (
		answer  *upstream.Answer
		refusal error // try's, where it says that the pair was rejected
	)
	outcome, err := r.Tickets.Do(ctx, app, func(pair *ticket.Pair) (rejected bool, err error) {
		answer, err = try(pair)
		refusal = nil
		if isRejection(err) {
			refusal, err = err, nil
		}
		return refusal != nil || err == nil && answer.Class == upstream.Rejected, err
	})
	t.Ticket, t.Hopeless = string(outcome), outcome == ticket.Rejected
	switch {
	case err != nil:
		return nil, err
	case refusal != nil:
		return nil, refusal
	case outcome == ticket.Renewed:
		r.warnVoided(app)
	}
	return answer, nil
}

// isRejection reports whether err says that the upstream does not accept the pair.
func isRejection(err error) bool {
	if err == nil {
		return false
	}
	var call *upstream.Error
	return errors.As(err, &call) && call.Reason == upstream.Refused && call.Class == upstream.Rejected
}

// justMinted is the age up to which a pair was minted for the request at hand.
const justMinted = 10 * time.Second

// warnUnkept has the function that it returns say that a client flow met no live pair, if that
// was so: without one the upstream signs nothing that a front end hands back, so that pairs have
// to be kept alive while there are no queries (document 1007/35897). Where instances share none,
// that is so at each start of one, and says nothing.
func (r *Relay) warnUnkept(app string) func() {
	if r.StoreKind == "memory" || r.Tickets.Status(app).State != ticket.Absent {
		return func() {}
	}
	return func() {
		if now := r.Tickets.Status(app); now.Source == ticket.Minted && now.Age < justMinted {
			r.Log.Warn("no pair was alive", "app_id", app, "remedy", "have a timer renew it: client flows need a live ticket when nobody queries, too")
		}
	}
}

// warnVoided says that a pair ended before its time, which another server of the
// same app brings about, and what to do.
func (r *Relay) warnVoided(app string) {
	remedy := "let every server of this app use this function, or the same TICKET_STORE"
	if r.StoreKind == "memory" {
		remedy = "with TICKET_STORE=memory every instance is a server of its own: set it to redis, cos or file; and let no other server fetch tickets for this app"
	}
	r.Log.Warn("ticket voided by another server", "app_id", app, "remedy", remedy)
}
