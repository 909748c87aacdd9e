package relay

import (
	"context"
	"crypto/subtle"
	"strings"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/signer"
)

// Returned is what came back through a front end.
type Returned struct {
	AppID, OrderNo string
	Sign           string // in any case
	Code           string // "" where the front end was given none
	CodeIsSigned   bool   // of a face verification always; of an OCR by some pages
}

// IsGenuine reports whether the upstream has signed what came back, with the app's SIGN ticket
// that is in force or one that has ended within the last TICKET_REFRESH (document 1007:
// 35897). It takes the same time whether signs differ early or late. It blocks where this
// instance has to ask the store, or for a pair. Errors are as with Ask.
func (r *Relay) IsGenuine(ctx context.Context, b Returned) (bool, error) {
	sign := []byte(strings.ToUpper(b.Sign))
	v := signer.Values{AppID: b.AppID, OrderNo: b.OrderNo, Code: b.Code}
	return r.Tickets.Match(ctx, b.AppID, func(t secret.Text) bool {
		is := subtle.ConstantTimeCompare(sign, []byte(signer.Callback.Sign(v, t.Reveal())))
		if !b.CodeIsSigned && b.Code != "" { // most front ends' sign leaves it out
			without := v
			without.Code = ""
			is |= subtle.ConstantTimeCompare(sign, []byte(signer.Callback.Sign(without, t.Reveal())))
		}
		return is == 1
	})
}
