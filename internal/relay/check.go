package relay

import (
	"context"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/signer"
)

// Returned is what came back through a front end.
type Returned struct {
	AppID, OrderNo string
	Sign           secret.Text // in any case
	Code           string      // "" where the front end was given none
	CodeIsSigned   bool        // of a face verification always; of an OCR by some pages
}

// IsGenuine reports whether the upstream has signed what came back, with the app's SIGN ticket
// that is in force or one that has ended within the last TICKET_REFRESH (document 1007:
// 35897). It takes the same time whether signs differ early or late. It blocks where this
// instance has to ask the store, or for a pair. Errors are as with Ask.
func (r *Relay) IsGenuine(ctx context.Context, b Returned) (bool, error) {
	defer r.warnUnkept(b.AppID)()
	v := signer.Values{AppID: b.AppID, OrderNo: b.OrderNo, Code: b.Code}
	without := v // as most front ends of an OCR have it
	without.Code = ""
	return r.Tickets.Match(ctx, b.AppID, func(_, t secret.Text) bool {
		sign := b.Sign.Reveal()
		return signer.Callback.Verify(v, t.Reveal(), sign) || !b.CodeIsSigned && signer.Callback.Verify(without, t.Reveal(), sign)
	})
}
