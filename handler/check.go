package handler

import (
	"context"
	"strings"

	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/secret"
)

// check tells whether what came back through a front end is the upstream's.
func (h *Handler) check(ctx context.Context, x *exchange) *response {
	m, fail := x.body("flow", "order_no", "sign", "code", "app_id")
	if fail != nil {
		return x.line.fail(*fail)
	}
	back, fail := x.returned(m)
	if fail != nil {
		return x.line.fail(*fail)
	}
	valid, err := x.relay.IsGenuine(ctx, back)
	if err != nil {
		return x.line.fail(failed(err))
	}
	body := `{"valid":false}`
	if valid {
		body = `{"valid":true}`
	}
	return &response{status: 200, contentType: jsonType, body: []byte(body)}
}

// returned reads what came back.
func (x *exchange) returned(m members) (b relay.Returned, fail *failure) {
	if b.AppID, b.OrderNo, fail = x.order(m); fail != nil {
		return b, fail
	}
	flow, ok := m.text("flow")
	if !ok || flow != "ocr" && flow != "face" {
		return b, failMember("flow", "must be ocr or face")
	}
	b.CodeIsSigned = flow == "face"
	x.line.product = flow
	sign, ok := m.text("sign")
	if !ok || !isSign(sign) {
		return b, failMember("sign", "must be 40 hexadecimal digits")
	}
	b.Sign = secret.New(sign)
	if b.Code, ok = m.text("code"); !ok || !isCode(b.Code) || b.Code == "" && b.CodeIsSigned {
		return b, failMember("code", "must be the code that the front end was given, of at most 20 digits; face needs it")
	}
	return b, nil
}

func isSign(s string) bool {
	return len(s) == 40 && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

func isCode(s string) bool {
	return len(s) <= 20 && strings.Trim(s, "-0123456789") == ""
}
