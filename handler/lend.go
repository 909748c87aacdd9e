package handler

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/secret"
)

// The kinds of what is lent, in the log and the health answer.
const (
	kindToken = "token"
	kindSign  = "sign"
	kindNonce = "nonce"
)

// The vendor's codes for a server that is written for it (document 1007, error codes).
const (
	vendorIllegal  = "400101" // a parameter is missing or wrong
	vendorToken    = "400102" // the access token is not valid
	vendorIdentity = "400105" // app and secret do not belong together
)

func vendorMessage(code string) string {
	switch code {
	case vendorIllegal:
		return "不合法请求"
	case vendorToken:
		return "登录态或token无效"
	default:
		return "身份校验失败"
	}
}

// proven returns the caller who has proved in the vendor's way who it is: by its own token in
// place of the app's secret, by the access token that it was lent, by a sign with the ticket
// that it was lent. The response is the vendor's to a proof that fails; nil with no caller
// where nothing was shown.
func (h *Handler) proven(ctx context.Context, x *exchange) (*config.Caller, *response) {
	switch x.to.name {
	case routeToken, routeTicket:
		values, fail := x.values("secret", "access_token", "app_id", "appId")
		if fail != nil {
			return nil, x.refuse(vendorIllegal)
		}
		if shown := values["secret"]; shown != "" {
			if caller := x.relay.Caller(shown); caller != nil {
				return caller, nil
			}
			return nil, x.refuse(vendorIdentity)
		}
		if shown := secret.New(values["access_token"]); !shown.IsEmpty() && x.to.name == routeTicket {
			app := x.lentApp(values)
			if h.holds(ctx, x, app, func(token, _ secret.Text) bool { return token.Equal(shown) }) {
				return holder(app, config.Ticket), nil
			}
			return nil, x.refuse(vendorToken)
		}
	case routeDropIn:
		if x.to.method == http.MethodPost {
			body, fail := x.upload()
			if fail != nil {
				return nil, nil // whatever is wrong with it, it does not prove anything
			}
			app := body.AppID
			if app == "" {
				app = x.relay.DefaultApp
			}
			if h.holds(ctx, x, app, func(_, t secret.Text) bool { return body.IsSigned(x.to.call, app, t) }) {
				return holder(app, x.to.scope), nil
			}
			return nil, nil
		}
		values, fail := x.values("app_id", "order_no", "nonce", "sign")
		if fail != nil || values["sign"] == "" {
			return nil, nil
		}
		app := x.lentApp(values)
		if h.holds(ctx, x, app, func(_, t secret.Text) bool {
			return x.to.call.IsSigned(app, values["order_no"], values["nonce"], values["sign"], t)
		}) {
			return holder(app, x.to.scope), nil
		}
	}
	return nil, nil
}

// holds reports whether shows is true for a pair of the app that is in force or ended lately.
func (h *Handler) holds(ctx context.Context, x *exchange, app string, shows func(token, ticket secret.Text) bool) bool {
	return slices.Contains(x.relay.Apps, app) && x.relay.Holds(ctx, app, shows)
}

// holder is a caller of whom nothing is known but what it holds of an app.
func holder(app string, s config.Scope) *config.Caller {
	return &config.Caller{Name: "holder", Scopes: []config.Scope{s}, Apps: []string{app}}
}

// lentApp returns the app that a request for a token or ticket names, in either spelling.
func (x *exchange) lentApp(values map[string]string) string {
	for _, name := range [...]string{"app_id", "appId"} {
		if id, given := values[name]; given {
			return id
		}
	}
	return x.relay.DefaultApp
}

// lend answers as the vendor's token and ticket calls do, from the pair that all share.
func (h *Handler) lend(ctx context.Context, x *exchange) *response {
	values, fail := x.values("app_id", "appId", "type", "user_id", "rotate")
	if fail != nil {
		return x.line.fail(*fail)
	}
	app := x.lentApp(values)
	if !slices.Contains(x.relay.Apps, app) {
		return x.refuse(vendorIdentity)
	}
	x.line.app = app
	if !x.caller.MayUse(app) {
		return x.line.fail(failApp)
	}
	kind := kindToken
	if x.to.name == routeTicket {
		switch kind = kindSign; {
		case values["type"] == "NONCE" && isUser(values["user_id"]):
			kind = kindNonce
		case values["type"] != "SIGN":
			return x.refuse(vendorIllegal)
		}
	}
	x.line.product = kind
	if kind == kindNonce {
		nonce, err := x.relay.NonceTicket(ctx, app, values["user_id"], &x.line.trace)
		if err != nil {
			return x.line.fail(failed(err))
		}
		h.loans.Note(relay.LoanKey{Caller: x.caller.Name, AppID: app, Kind: kind}, 0)
		return lentTicket(nonce.Value, nonce.Life)
	}
	loan, err := x.relay.Lend(ctx, app, secret.New(values["rotate"]))
	if err != nil {
		return x.line.fail(failed(err))
	}
	x.line.age = loan.Age
	h.loans.Note(relay.LoanKey{Caller: x.caller.Name, AppID: app, Kind: kind}, loan.Age)
	if kind == kindSign {
		return lentTicket(loan.Ticket, loan.Left)
	}
	return lentToken(loan.Token, loan.Left)
}

// stamp prints a time as the vendor does: that of China, which has no summer time.
func stamp(t time.Time) string { return t.UTC().Add(8 * time.Hour).Format("20060102150405") }

// seconds prints a life as the vendor does: as text, and no second too many.
func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

func lentToken(token secret.Text, left time.Duration) *response {
	now := time.Now()
	return vendorResponse(struct {
		Code  string `json:"code"`
		Msg   string `json:"msg"`
		Time  string `json:"transactionTime"`
		Token string `json:"access_token"`
		End   string `json:"expire_time"`
		Left  string `json:"expire_in"`
	}{"0", "请求成功", stamp(now), token.Reveal(), stamp(now.Add(left)), seconds(left)})
}

func lentTicket(value secret.Text, left time.Duration) *response {
	type ticket struct {
		Value string `json:"value"`
		Left  string `json:"expire_in"`
		End   string `json:"expire_time"`
	}
	now := time.Now()
	return vendorResponse(struct {
		Code    string   `json:"code"`
		Msg     string   `json:"msg"`
		Time    string   `json:"transactionTime"`
		Tickets []ticket `json:"tickets"`
	}{"0", "请求成功", stamp(now), []ticket{{value.Reveal(), seconds(left), stamp(now.Add(left))}}})
}

// refuse answers with a code of the vendor's, which puts errors into the body.
func (x *exchange) refuse(code string) *response {
	x.line.failed, x.line.detail = codeAuth, "answered with the vendor's code "+code
	if code == vendorIllegal {
		x.line.failed = codeParameter + "Query"
	}
	return vendorResponse(struct {
		Code string `json:"code"`
		Msg  string `json:"msg"`
		Time string `json:"transactionTime"`
	}{code, vendorMessage(code), stamp(time.Now())})
}

func vendorResponse(v any) *response {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // text does not fail
	}
	return &response{status: http.StatusOK, contentType: jsonType, body: body}
}
