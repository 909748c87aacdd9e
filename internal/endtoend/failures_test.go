package endtoend

import (
	"net/http"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/simulator"
)

var (
	getOnly   = http.Header{"Allow": {"GET"}}
	challenge = http.Header{"Www-Authenticate": {`Bearer realm="kyc-ocr-relay"`}}
)

// refusals are the answers for which the upstream is not asked.
var refusals = groups{
	{name: "refusals", exchanges: []exchange{
		{name: "an empty order number", target: "/ocr/bankcard/", status: 400, code: "InvalidParameterValue.OrderNo", silent: true},
		{name: "one of 33", target: "/ocr/bankcard/" + strings.Repeat("a", 33), status: 400, code: "InvalidParameterValue.OrderNo", silent: true},
		{name: "with a hyphen", target: "/ocr/bankcard/stray-canary", status: 400, code: "InvalidParameterValue.OrderNo", silent: true},
		{name: "with an encoded slash", target: "/ocr/bankcard/a%2Fstray-canary", status: 400, code: "InvalidParameterValue.OrderNo", silent: true},
		{name: "an encoded slash instead of a photo's", target: "/ocr/bankcard/a%2Fphotos%2FbankcardCropPhoto", status: 400, code: "InvalidParameterValue.OrderNo", silent: true},
		{name: "with a question mark", target: "/ocr/bankcard/stray-canary%3Fapp_id=x", status: 400, code: "InvalidParameterValue.OrderNo", silent: true},
		{name: "with a line break", target: "/ocr/bankcard/stray-canary%0d%0aX-Injected:1", status: 400, code: "InvalidParameterValue.OrderNo", silent: true},
		{name: "with other letters", target: "/ocr/bankcard/stray-canary%E5%8D%A1", status: 400, code: "InvalidParameterValue.OrderNo", silent: true},
		{name: "of dots", target: "/ocr/bankcard/..", status: 400, code: "InvalidParameterValue.OrderNo", silent: true},
		{name: "drop-in without one", target: bankPath, status: 400, code: "InvalidParameterValue.OrderNo", silent: true},
		{name: "drop-in with an empty one", target: idPath + "?order_no=", status: 400, code: "InvalidParameterValue.OrderNo", silent: true},
		{name: "drop-in with a bare one", target: idPath + "?order_no", status: 400, code: "InvalidParameterValue.OrderNo", silent: true},
		{name: "drop-in with an ampersand in it", target: bankPath + "?order_no=a%26get_file%3D1", status: 400, code: "InvalidParameterValue.OrderNo", silent: true},
		{name: "drop-in with a plus", target: bankPath + "?order_no=a+b", status: 400, code: "InvalidParameterValue.OrderNo", silent: true},
		{name: "drop-in with a broken escape", target: bankPath + "?order_no=a%zz", status: 400, code: "InvalidParameterValue.OrderNo", silent: true},

		{name: "an unknown app", target: "/ocr/bankcard/card1?app_id=stray-canary", status: 400, code: "InvalidParameterValue.AppId", silent: true},
		{name: "an empty app", target: "/ocr/bankcard/card1?app_id=", status: 400, code: "InvalidParameterValue.AppId", silent: true},
		{name: "an app in another case", target: bankPath + "?order_no=card1&app_id=" + strings.ToLower(firstApp), status: 400, code: "InvalidParameterValue.AppId", silent: true},

		{name: "order_no twice", target: bankPath + "?order_no=stray&order_no=stray", status: 400, code: "InvalidParameterValue.Duplicate", silent: true, also: says("order_no")},
		{name: "order_no twice, once in escapes", target: bankPath + "?order_no=a&%6frder_no=b", status: 400, code: "InvalidParameterValue.Duplicate", silent: true, also: says("order_no")},
		{name: "app_id twice", target: "/ocr/bankcard/card1?app_id=" + firstApp + "&x=1&app_id=" + firstApp, status: 400, code: "InvalidParameterValue.Duplicate", silent: true, also: says("app_id")},
		{name: "get_file twice", target: "/ocr/idcard/card1?get_file=1&get_file", status: 400, code: "InvalidParameterValue.Duplicate", silent: true, also: says("get_file")},
		{name: "get_native thrice", target: "/ocr/bankcard/card1?get_native&get_native&get_native", status: 400, code: "InvalidParameterValue.Duplicate", silent: true, also: says("get_native")},
		{name: "get_file twice for a photo", target: "/ocr/bankcard/card1/photos/bankcardCropPhoto?get_file=1&get_file=1", status: 400, code: "InvalidParameterValue.Duplicate", silent: true},

		{name: "no token", target: "/ocr/bankcard/card1", header: http.Header{}, status: 401, code: "AuthFailure", silent: true, heads: challenge},
		{name: "an empty one", target: "/ocr/bankcard/card1", header: bearer(""), status: 401, code: "AuthFailure", silent: true, heads: challenge},
		{name: "a wrong one", target: "/ocr/bankcard/card1", header: bearer("stray-canary-stray-canary"), status: 401, code: "AuthFailure", silent: true, heads: challenge},
		{name: "the start of one", target: "/ocr/bankcard/card1", header: bearer(aliceToken[:16]), status: 401, code: "AuthFailure", silent: true, heads: challenge},
		{name: "more than one", target: "/ocr/bankcard/card1", header: bearer(aliceToken + "0"), status: 401, code: "AuthFailure", silent: true, heads: challenge},
		{name: "two headers", target: "/ocr/bankcard/card1", header: bearer(aliceToken, bobToken), status: 401, code: "AuthFailure", silent: true, heads: challenge},
		{name: "another scheme", target: "/ocr/bankcard/card1", header: authorization("Basic " + aliceToken), status: 401, code: "AuthFailure", silent: true, heads: challenge},
		{name: "no scheme", target: "/ocr/bankcard/card1", header: authorization(aliceToken), status: 401, code: "AuthFailure", silent: true, heads: challenge},
		{name: "a caller's name", target: "/ocr/bankcard/card1", header: bearer("alice:" + aliceToken), status: 401, code: "AuthFailure", silent: true, heads: challenge},
		{name: "in the query", target: "/ocr/bankcard/card1?Authorization=Bearer%20" + aliceToken + "&access_token=" + aliceToken, header: http.Header{}, status: 401, code: "AuthFailure", silent: true, heads: challenge},
		{name: "before the route", target: "/nowhere/stray-canary", header: http.Header{}, status: 401, code: "AuthFailure", silent: true, heads: challenge},
		{name: "before the method", method: "POST", target: "/ocr/bankcard/card1", header: http.Header{}, status: 401, code: "AuthFailure", silent: true, heads: challenge},
		{name: "before the parameters", target: "/ocr/bankcard/stray-canary?app_id=stray-canary", header: http.Header{}, status: 401, code: "AuthFailure", silent: true, heads: challenge},
		{name: "below health", target: "/healthz/", header: http.Header{}, status: 401, code: "AuthFailure", silent: true, heads: challenge},
		{name: "drop-in without", target: bankPath + "?order_no=card1", header: http.Header{}, status: 401, code: "AuthFailure", silent: true, heads: challenge},

		{name: "bearer in another case", target: "/ocr/bankcard/card1", header: authorization("bEARER " + bobToken), status: 200, asks: 1},

		{name: "the root", target: "/", status: 404, code: "ResourceNotFound", silent: true},
		{name: "another path", target: "/stray-canary", status: 404, code: "ResourceNotFound", silent: true},
		{name: "an unknown type", target: "/ocr/driverlicense/card1", status: 404, code: "ResourceNotFound", silent: true},
		{name: "a type in another case", target: "/ocr/BankCard/card1", status: 404, code: "ResourceNotFound", silent: true},
		{name: "no order number", target: "/ocr/bankcard", status: 404, code: "ResourceNotFound", silent: true},
		{name: "a slash behind", target: "/ocr/bankcard/card1/", status: 404, code: "ResourceNotFound", silent: true},
		{name: "two slashes", target: "/ocr//bankcard/card1", status: 404, code: "ResourceNotFound", silent: true},
		{name: "two slashes in front", target: "//ocr/bankcard/card1", status: 404, code: "ResourceNotFound", silent: true},
		{name: "an encoded slash between", target: "/ocr%2Fbankcard/card1", status: 404, code: "ResourceNotFound", silent: true},
		{name: "dot segments", target: "/ocr/../ocr/bankcard/card1", status: 404, code: "ResourceNotFound", silent: true},
		{name: "encoded dot segments", target: "/ocr/bankcard/x/%2e%2e/card1", status: 404, code: "ResourceNotFound", silent: true},
		{name: "photos without a name", target: "/ocr/bankcard/card1/photos", status: 404, code: "ResourceNotFound", silent: true},
		{name: "a drop-in path with a slash behind", target: bankPath + "/?order_no=card1", status: 404, code: "ResourceNotFound", silent: true},
		{name: "the upstream's token path", target: "/api/oauth2/access_token?app_id=" + firstApp, status: 403, code: "UnauthorizedOperation", silent: true, also: says("ticket")},

		{name: "POST", method: "POST", target: "/ocr/bankcard/card1", status: 405, code: "UnsupportedOperation", silent: true, heads: getOnly},
		{name: "PUT to a photo", method: "PUT", target: "/ocr/bankcard/card1/photos/bankcardCropPhoto", status: 405, code: "UnsupportedOperation", silent: true, heads: getOnly},
		{name: "HEAD", method: "HEAD", target: "/ocr/bankcard/card1", status: 405, code: "UnsupportedOperation", silent: true, heads: getOnly},
		{name: "OPTIONS to a drop-in path", method: "OPTIONS", target: bankPath + "?order_no=card1", status: 405, code: "UnsupportedOperation", silent: true, heads: getOnly},
		{name: "DELETE health", method: "DELETE", target: "/healthz", header: http.Header{}, status: 405, code: "UnsupportedOperation", silent: true, heads: getOnly},
		{name: "POST to nowhere", method: "POST", target: "/nowhere", status: 404, code: "ResourceNotFound", silent: true},
	}},
}

// failures are the answers where the upstream gave no usable JSON.
var failures = groups{
	{name: "bad answers", exchanges: []exchange{
		{name: "a page", target: "/ocr/bankcard/html1", status: 502, code: "FailedOperation.UpstreamBadResponse", asks: 3},
		{name: "a page with status 502", target: "/ocr/idcard/badgateway1", status: 502, code: "FailedOperation.UpstreamBadResponse", asks: 3},
		{name: "truncated", target: "/ocr/bankcard/truncated1", status: 502, code: "FailedOperation.UpstreamBadResponse", asks: 3},
		{name: "cut JSON", target: "/ocr/bankcard/cut1", status: 502, code: "FailedOperation.UpstreamBadResponse", asks: 3},
		{name: "empty", target: bankPath + "?order_no=empty1", status: 502, code: "FailedOperation.UpstreamBadResponse", asks: 3},
		{name: "without a code", target: "/ocr/bankcard/nocode1", status: 502, code: "FailedOperation.UpstreamBadResponse", asks: 1},
		{name: "a redirect", target: "/ocr/bankcard/redirect1", status: 502, code: "FailedOperation.UpstreamBadResponse", asks: 1},
		{name: "the connection reset", target: "/ocr/bankcard/reset1", status: 502, code: "FailedOperation.UpstreamUnreachable", asks: 3},
		{name: "a result of twelve megabytes", target: "/ocr/bankcard/huge1?get_file=1", status: 502, code: "FailedOperation.ResponseTooLarge", asks: 1, sends: "get_file=1", also: says("/photos/", "DELIVER_TO")},
		{name: "a photo of more than six", target: "/ocr/bankcard/huge26x1/photos/bankcardNoPhoto", status: 502, code: "FailedOperation.ResponseTooLarge", asks: 1, sends: "get_file=1", also: says("DELIVER_TO")},
		{name: "a good one afterwards", target: "/ocr/bankcard/good1", status: 200, asks: 1, also: tokens(1)},
	}},
	{name: "time-out", setting: setting{env: map[string]string{"KYC_TIMEOUT": "700ms"}}, exchanges: []exchange{
		{name: "of a result", target: "/ocr/bankcard/slow1", status: 504, code: "FailedOperation.UpstreamTimeout", asks: 1},
		{name: "of a photo", target: "/ocr/bankcard/slow2/photos/bankcardCropPhoto", status: 504, code: "FailedOperation.UpstreamTimeout", asks: 1, sends: "get_file=1"},
	}},
	{name: "nobody listens", setting: setting{gone: true}, exchanges: []exchange{
		{name: "to a result", target: "/ocr/bankcard/card1", status: 502, code: "FailedOperation.UpstreamUnreachable", silent: true},
		{name: "to a photo", target: "/ocr/bankcard/card1/photos/bankcardCropPhoto", status: 502, code: "FailedOperation.UpstreamUnreachable", silent: true},
		{name: "health is unimpressed", target: "/healthz", header: http.Header{}, status: 200, also: isHealthy()},
	}},
	{name: "a certificate that nobody signed", setting: setting{tls: true}, exchanges: []exchange{
		{name: "a result", target: "/ocr/bankcard/card1", status: 502, code: "FailedOperation.UpstreamUnreachable", silent: true, also: says("certificate")},
	}},
	{name: "a wrong secret", setting: setting{simulator: simulator.Config{Apps: map[string]string{firstApp: "another"}}}, exchanges: []exchange{
		{name: "a result", target: "/ocr/bankcard/card1", status: 502, code: "FailedOperation.Credential", also: says("400105", "KYC_SECRET")},
		{name: "a photo", target: "/ocr/bankcard/card1/photos/bankcardCropPhoto", status: 502, code: "FailedOperation.Credential", also: says("400105")},
		{name: "an app that does not exist", target: "/ocr/bankcard/card1?app_id=" + secondApp, status: 502, code: "FailedOperation.Credential", also: says("400105")},
	}},
	{name: "no token to be had", setting: setting{faults: oauth(simulator.TokenCall)}, exchanges: oauthFailures},
	{name: "no ticket to be had", setting: setting{faults: oauth(simulator.TicketCall)}, exchanges: oauthFailures},
	{name: "slow tokens", setting: setting{env: map[string]string{"KYC_TIMEOUT": "700ms"}, faults: hang(simulator.TokenCall)}, exchanges: []exchange{
		{name: "a result", target: "/ocr/bankcard/card1", status: 504, code: "FailedOperation.UpstreamTimeout"},
	}},
	{name: "slow tickets", setting: setting{env: map[string]string{"KYC_TIMEOUT": "700ms"}, faults: hang(simulator.TicketCall)}, exchanges: []exchange{
		{name: "a result", target: "/ocr/bankcard/card1", status: 504, code: "FailedOperation.UpstreamTimeout"},
	}},
}

// oauthFailures are asked one app each: a failed renewal is not repeated at once.
var oauthFailures = []exchange{
	{name: "throttled", target: "/ocr/bankcard/card1?app_id=" + firstApp, status: 502, code: "FailedOperation.Credential", heads: retry, also: says("400501")},
	{name: "a page", target: "/ocr/bankcard/card1?app_id=" + secondApp, status: 502, code: "FailedOperation.UpstreamBadResponse"},
	{name: "an empty value", target: "/ocr/bankcard/card1?app_id=" + thirdApp, status: 502, code: "FailedOperation.Credential", also: says("without a t")},
}

// oauth spoils one of the two credential calls, in another way for each app.
func oauth(spoilt simulator.Call) func(http.ResponseWriter, *http.Request, simulator.Call) bool {
	bodies := map[string]string{
		firstApp:  `{"code":"400501","msg":"stray-canary","access_token":"stray-canary"}`,
		secondApp: `<html>stray-canary</html>`,
		thirdApp:  `{"code":0,"msg":"stray-canary","access_token":"","tickets":[{"value":"","expire_in":3600}]}`,
	}
	return func(w http.ResponseWriter, r *http.Request, c simulator.Call) bool {
		if c != spoilt {
			return false
		}
		_, _ = w.Write([]byte(bodies[r.URL.Query().Get("app_id")]))
		return true
	}
}

// hang never answers a call, until its client leaves.
func hang(spoilt simulator.Call) func(http.ResponseWriter, *http.Request, simulator.Call) bool {
	return func(_ http.ResponseWriter, r *http.Request, c simulator.Call) bool {
		if c == spoilt {
			<-r.Context().Done()
		}
		return c == spoilt
	}
}

func TestEveryOwnCodeIsInTheTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, list := range []groups{routes, photos, refusals, failures} {
		for _, g := range list {
			for _, e := range g.exchanges {
				seen[e.code] = true
			}
		}
	}
	for code := range strings.FieldsSeq(`InvalidParameterValue.OrderNo InvalidParameterValue.AppId InvalidParameterValue.Duplicate
		AuthFailure ResourceNotFound UnsupportedOperation FailedOperation.Credential FailedOperation.UpstreamUnreachable
		FailedOperation.UpstreamTimeout FailedOperation.UpstreamBadResponse FailedOperation.ResponseTooLarge`) {
		if !seen[code] {
			t.Errorf("no exchange has the code %s", code)
		}
	}
}
