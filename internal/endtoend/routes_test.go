package endtoend

import (
	"net/http"
	"strings"
)

// routes are the routes with what callers may put into them.
var routes = groups{
	{name: "routes", exchanges: []exchange{
		{name: "a bank card", target: "/ocr/bankcard/card1a", status: 200, asks: 1},
		{name: "an ID card", target: "/ocr/idcard/person1a", status: 200, asks: 1},
		{name: "a bank card with photos", target: "/ocr/bankcard/card1b?get_file=1", status: 200, asks: 1, sends: "get_file=1"},
		{name: "an ID card with photos", target: "/ocr/idcard/person1b?get_file=1", status: 200, asks: 1, sends: "get_file=1"},
		{name: "an ID card, native", target: "/ocr/idcard/person1c?get_native=1", status: 200, asks: 1, sends: "get_native=1"},
		{name: "an ID card with all", target: "/ocr/idcard/person1d?get_native=1&get_file=1&app_id=" + secondApp, status: 200, asks: 1, sends: "get_file=1&get_native=1&app_id=" + secondApp},
		{name: "a bank card has no native form", target: "/ocr/bankcard/card1c?get_native=1", status: 200, asks: 1},
		{name: "get_file other than 1", target: "/ocr/bankcard/card1d?get_file=0", status: 200, asks: 1},
		{name: "get_file without a value", target: "/ocr/bankcard/card1e?get_file", status: 200, asks: 1},
		{name: "another app", target: "/ocr/bankcard/card1f?app_id=" + thirdApp, status: 200, asks: 1, sends: "app_id=" + thirdApp},
		{name: "an order number of one letter", target: "/ocr/bankcard/x", status: 200, asks: 1},
		{name: "an order number of 32", target: "/ocr/bankcard/" + strings.Repeat("aZ09", 8), status: 200, asks: 1},
		{name: "an order number in escapes", target: "/ocr/bankcard/%63ard1g", status: 200, asks: 1},
		{name: "a path in escapes", target: "/ocr/b%61nkcard/card1h", status: 200, asks: 1},
		{name: "drop-in, a bank card", target: bankPath + "?order_no=card2a", status: 200, asks: 1},
		{name: "drop-in, an ID card", target: idPath + "?order_no=person2a", status: 200, asks: 1},
		{name: "drop-in with all", target: idPath + "?get_native=1&app_id=" + secondApp + "&get_file=1&order_no=person2b", status: 200, asks: 1, sends: "get_file=1&get_native=1&app_id=" + secondApp},
		{name: "drop-in, signed by the caller", target: bankPath + "?app_id=" + firstApp + "&order_no=card2b&nonce=straycanary&version=9.9.9&sign=stray-canary&get_file=1", status: 200, asks: 1, sends: "get_file=1"},
		{name: "drop-in, what is ignored may come twice", target: bankPath + "?nonce=a&nonce=b&order_no=card2c&sign=1&sign=2&version=1&version=2", status: 200, asks: 1},
		{name: "drop-in, a name in escapes", target: bankPath + "?order%5Fno=card2d", status: 200, asks: 1},
		{name: "unknown parameters", target: "/ocr/bankcard/card3a?x=stray-canary&get_files=1&APP_ID=y&z&z=1&=&&access_token=t&secret=s", status: 200, asks: 1},
		{name: "order_no is unknown beside a path", target: "/ocr/bankcard/card3b?order_no=other&order_no=stray-canary", status: 200, asks: 1},
		{name: "parameters in any order", target: "/ocr/idcard/person3c?zz=1&get_native=1&a=2&app_id=" + secondApp + "&b&get_file=1", status: 200, asks: 1, sends: "get_file=1&get_native=1&app_id=" + secondApp},
		{name: "headers of a caller", target: "/ocr/bankcard/card3d", status: 200, asks: 1, header: http.Header{
			"Authorization": {"Bearer " + bobToken}, "X-Stray": {"stray-canary"}, "Accept-Encoding": {"gzip"}, "Cookie": {"a=stray-canary"},
			"X-Request-Id": {"stray-canary"}, "X-Scf-Secret-Key": {"stray-canary"}}},
		{name: "health", target: "/healthz", header: http.Header{}, status: 200, silent: true, also: isHealthy(firstApp, secondApp, thirdApp)},
		{name: "health with a token and a query", target: "/healthz?app_id=nobody&app_id=twice", status: 200, silent: true, also: isHealthy(firstApp, secondApp, thirdApp)},
	}},
	{name: "health before anything", exchanges: []exchange{
		{name: "absent", target: "/healthz", header: http.Header{}, status: 200, silent: true, also: isHealthy()},
		{name: "a result of the second app", target: "/ocr/bankcard/card1?app_id=" + secondApp, status: 200, asks: 1, sends: "app_id=" + secondApp},
		{name: "one app is fresh", target: "/healthz", header: http.Header{}, status: 200, silent: true, also: isHealthy(secondApp)},
	}},
	{name: "route prefix", setting: setting{env: map[string]string{"ROUTE_PREFIX": "/kyc/v1/"}}, exchanges: []exchange{
		{name: "a result", target: "/kyc/v1/ocr/bankcard/card1", status: 200, asks: 1},
		{name: "a photo", target: "/kyc/v1/ocr/bankcard/card2/photos/bankcardCropPhoto", status: 200, asks: 1, sends: "get_file=1", also: isPhoto("bankcard", "card2", "bankcardCropPhoto")},
		{name: "drop-in", target: "/kyc/v1" + idPath + "?order_no=person3", status: 200, asks: 1},
		{name: "health", target: "/kyc/v1/healthz", header: http.Header{}, status: 200, silent: true, also: isHealthy(firstApp)},
		{name: "without it", target: "/ocr/bankcard/card4", status: 404, code: "ResourceNotFound", silent: true},
		{name: "health without it needs a token", target: "/healthz", header: http.Header{}, status: 401, code: "AuthFailure", silent: true},
		{name: "in part", target: "/kyc/v1ocr/bankcard/card5", status: 404, code: "ResourceNotFound", silent: true},
	}},
	{name: "nobody is asked for a token", setting: setting{env: map[string]string{"CALLER_AUTH": "none", "CALLER_TOKENS": ""}}, exchanges: []exchange{
		{name: "none", target: "/ocr/bankcard/card1", header: http.Header{}, status: 200, asks: 1},
		{name: "any", target: "/ocr/bankcard/card2", header: bearer("stray-canary"), status: 200, asks: 1},
	}},
	{name: "several apps and none is the default", setting: setting{env: map[string]string{"KYC_APP_ID": "", "KYC_SECRET": ""}}, exchanges: []exchange{
		{name: "named", target: "/ocr/bankcard/card1?app_id=" + secondApp, status: 200, asks: 1, sends: "app_id=" + secondApp},
		{name: "not named", target: "/ocr/bankcard/card2", status: 400, code: "InvalidParameterValue.AppId", silent: true},
	}},
	{name: "one app in the list is the default", setting: setting{env: map[string]string{
		"KYC_APP_ID": "", "KYC_SECRET": "", "KYC_APPS": secondApp + ":" + secrets[secondApp]}}, exchanges: []exchange{
		{name: "not named", target: "/ocr/bankcard/card1", status: 200, asks: 1, sends: "app_id=" + secondApp},
		{name: "another", target: "/ocr/bankcard/card2?app_id=" + firstApp, status: 400, code: "InvalidParameterValue.AppId", silent: true},
	}},
}
