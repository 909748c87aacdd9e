package relay

import (
	"context"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
	"kyc-ocr-relay/signer"
)

// Flow is the start of a client's flow: of one user, for one order.
type Flow struct {
	AppID, UserID, OrderNo string

	Product upstream.Product // of a face verification; "" is an OCR
	Body    *upstream.Body   // of the upload, for a face verification

	// Of a verification in a page.
	Callback     string // where the page sends the user afterwards, a whole URL
	ResultType   string // "1": straight there; "": after the page's own result
	From         string // "browser", "app" or ""
	RedirectType string // "1": in place of the page in the browser's history
}

// Started is what a front end needs to start with. Its sign is good once, for two minutes.
type Started struct {
	Values signer.Values // that were signed
	Sign   secret.Text
	Domain string      // that the upstream wants the client to use; "" if it named none
	URL    secret.Text // of a page: where to send the user; it has the sign in it
}

// Start fetches what the flow needs and signs it: a NONCE ticket of the user and, for a face
// verification, a face id, side by side. Where the upstream refuses the upload its answer is
// returned, with no Started. Errors are as with Ask.
func (r *Relay) Start(ctx context.Context, f Flow, t *upstream.Trace) (*Started, *upstream.Answer, error) {
	defer r.warnUnkept(f.AppID)()
	s := &starting{relay: r, flow: f}
	answer, err := r.withPair(ctx, f.AppID, t, func(pair *ticket.Pair) (*upstream.Answer, error) { return s.try(ctx, pair, t) })
	if err != nil {
		return nil, nil, err
	}
	if answer.Class != upstream.Success {
		return nil, answer, nil
	}
	started, err := s.sign()
	return started, answer, err
}

// starting is a flow on its way.
type starting struct {
	relay  *Relay
	flow   Flow
	upload *upstream.Answer // with a face id; kept where only the NONCE ticket has to be fetched anew
	ticket secret.Text      // NONCE
}

// try makes the two calls with a pair. What succeeded with the pair before is not lost: an
// upload uses up its order number.
func (s *starting) try(ctx context.Context, pair *ticket.Pair, t *upstream.Trace) (*upstream.Answer, error) {
	var (
		uploaded  = make(chan struct{})
		answer    = s.upload
		uploadErr error
		took      time.Duration
	)
	if s.flow.Product == "" || answer != nil {
		close(uploaded)
	} else {
		go func() {
			defer close(uploaded)
			p := upstream.Params{AppID: s.flow.AppID, Ticket: pair.Ticket, Body: s.flow.Body}
			start := time.Now()
			answer, uploadErr = s.relay.Upstream.Do(ctx, s.flow.Product.Upload(), p)
			took = time.Since(start)
		}()
	}
	start := time.Now()
	nonce, err := s.relay.Upstream.NonceTicket(ctx, s.flow.AppID, pair.Token, s.flow.UserID)
	nonceTook := time.Since(start)
	<-uploaded
	t.Attempts++
	t.Time += max(took, nonceTook)
	if answer != nil && answer != s.upload || uploadErr != nil {
		t.Note(0, answer, uploadErr)
	}
	switch {
	case uploadErr != nil:
		return nil, uploadErr
	case answer != nil && answer.Class != upstream.Success:
		return answer, nil
	}
	s.upload = answer
	if err != nil {
		return nil, err
	}
	s.ticket = nonce.Value
	if answer == nil {
		answer = &upstream.Answer{Class: upstream.Success, Code: "0"}
	}
	return answer, nil
}

// sign signs what the front end starts with.
func (s *starting) sign() (*Started, error) {
	f := &s.flow
	v := signer.Values{AppID: f.AppID, UserID: f.UserID, OrderNo: f.OrderNo, Nonce: signer.Nonce()}
	use, domain := signer.StartSDK, ""
	if f.Product != "" {
		use = f.Product.Start()
		if v.FaceID, domain = s.upload.FaceID(); v.FaceID == "" {
			return nil, &upstream.Error{Step: f.Product.Upload().Step(), Reason: upstream.BadResponse, Detail: "an answer without a face id"}
		}
	}
	started := &Started{Values: v, Sign: secret.New(use.Sign(v, s.ticket.Reveal())), Domain: domain}
	if f.Product.IsPage() {
		started.URL = s.relay.Upstream.LoginURL(upstream.Login{
			Product: f.Product, Values: v, Sign: started.Sign, Domain: domain,
			Callback: f.Callback, ResultType: f.ResultType, From: f.From, RedirectType: f.RedirectType,
		})
	}
	return started, nil
}
