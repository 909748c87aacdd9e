package endtoend

import (
	"net/http"
	"strings"
	"testing"
)

// Callers who may do one thing, or use one app.
const (
	narrowToken  = "narrow-token-61d0ab93c2"
	foreignToken = "foreign-token-0be94c77f5"
)

// scoped are callers with all scopes but those of scope, and with the second app alone.
func scoped(scope string) setting {
	others := strings.ReplaceAll(strings.ReplaceAll("+ocr+face+start+check+ticket", "+"+scope, ""), "+", "+")[1:]
	return setting{env: map[string]string{
		"CALLER_TOKENS": "alice:" + aliceToken + ",narrow:" + narrowToken + ",foreign:" + foreignToken,
		"CALLER_SCOPES": "narrow:" + others, "CALLER_APPS": "foreign:" + secondApp,
	}}
}

// wrongOrders are none of 1 to 32 letters and digits, as JSON and in a path or query.
var wrongOrders = []string{"stray-canary", strings.Repeat("a", 33), "stray%2Dcanary", "%D6%01", "%E5%8D%A1", "a%2Fb", "a%20b", ""}

// wrongUsers are none of 1 to 32 letters, digits, - and _, as JSON.
var wrongUsers = []string{`""`, `null`, `"` + strings.Repeat("u", 33) + `"`, `"stray canary"`, `"用户"`, `"a&type=SIGN"`, `"a\u0000b"`, `["a"]`, `{}`, `true`}

// allActs are the acts and the check.
var allActs = append(append([]act{}, acts...), checkAct)

// perEvery are exchanges of every act, and of the check, by row.
func perEvery(row func(a act) []exchange) (list []exchange) {
	for _, a := range allActs {
		list = append(list, row(a)...)
	}
	return list
}

// withScope are the exchanges of a caller who lacks the scope: each act that needs it says so, and
// every other goes well.
func withScope(scope string) []exchange {
	return perEvery(func(a act) []exchange {
		e := a.exchange(a.order("scope"))
		if a.scope == scope {
			e = a.unasked("without "+scope, a.order("scope"), 403, "UnauthorizedOperation")
			e.also = says(scope, "CALLER_SCOPES")
		} else if a.gives == "check" {
			e.also = isValid(false)
		}
		e.header = bearer(narrowToken)
		return []exchange{e}
	})
}

// actRefusals are the requests for which nobody is asked.
var actRefusals = groups{
	{name: "without ocr", setting: scoped("ocr"), exchanges: withScope("ocr")},
	{name: "without face", setting: scoped("face"), exchanges: withScope("face")},
	{name: "without start", setting: scoped("start"), exchanges: withScope("start")},
	{name: "without check", setting: scoped("check"), exchanges: withScope("check")},
	{name: "apps", setting: scoped("ocr"), exchanges: perEvery(func(a act) (list []exchange) {
		order := a.order("apps")
		foreign := a.unasked("an app of others, by default", order, 403, "UnauthorizedOperation")
		foreign.header, foreign.also = bearer(foreignToken), says("CALLER_APPS")
		named := a.app(a.appMember(), thirdApp).unasked("an app of others, named", order, 403, "UnauthorizedOperation")
		named.header, named.also = bearer(foreignToken), says("CALLER_APPS")
		list = append(list, foreign, named)
		for _, id := range []string{"stray-canary", strings.ToLower(firstApp), firstApp + "0"} {
			list = append(list, a.app(a.appMember(), id).unasked("an app that nobody has configured", order, 400, "InvalidParameterValue.AppId"))
		}
		own := a.app(a.appMember(), secondApp).exchange(order)
		own.header, own.sends = bearer(foreignToken), strings.TrimPrefix(own.sends+"&app_id="+secondApp, "&")
		if a.gives == "check" {
			own.also = isValid(false)
		}
		return append(list, own)
	})},
	{name: "order numbers", exchanges: perEvery(func(a act) (list []exchange) {
		for _, order := range wrongOrders {
			list = append(list, a.unasked("order "+order, order, 400, "InvalidParameterValue.OrderNo"))
		}
		if a.body == "" {
			return list
		}
		for _, order := range []string{`null`, `["a"]`, `{"a":1}`, `"a\u0000b"`, `"a","stray":"canary`} {
			e := a.unasked("order "+order, "", 400, "InvalidParameterValue.OrderNo")
			e.body = strings.Replace(e.body, `""`, order, 1)
			if strings.Contains(order, ",") {
				continue
			}
			list = append(list, e)
		}
		return list
	})},
	{name: "users", exchanges: perPost(func(a act) (list []exchange) {
		if a.gives != "start" {
			return nil
		}
		for _, user := range wrongUsers {
			e := a.unasked("user "+user, a.order("user"), 400, "InvalidParameterValue.UserId")
			e.body = strings.Replace(e.body, `"userOfTheFlow"`, user, 1)
			list = append(list, e)
		}
		return list
	})},
	{name: "users of uploads", exchanges: perPost(func(a act) (list []exchange) {
		if !a.isDropIn() || a.scope != "start" || a.name == "getOcrCertId" { // which does not sign one
			return nil
		}
		for _, user := range []string{`""`, `null`, `["a"]`, `{}`, `true`, `7`, `"\ud83d"`, `"` + strings.Repeat("u", 1000) + `"`} {
			e := a.unasked("user "+user, a.order("user"), 400, "InvalidParameterValue.UserId")
			e.body = strings.Replace(e.body, `"userOfTheFlow"`, user, 1)
			list = append(list, e)
		}
		return list
	})},
	{name: "methods", exchanges: perEvery(func(a act) (list []exchange) {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"} {
			if method == a.method() {
				continue
			}
			e := a.unasked(method, a.order("method"), 405, "UnsupportedOperation")
			e.method, e.heads = method, http.Header{"Allow": {a.method()}}
			list = append(list, e)
		}
		return list
	})},
	{name: "nobody's token", exchanges: perEvery(func(a act) (list []exchange) {
		for name, header := range map[string]http.Header{"none": {}, "a wrong one": bearer("stray-canary-stray-canary"), "two": bearer(aliceToken, bobToken)} {
			e := a.unasked(name, a.order("nobody"), 401, "AuthFailure")
			e.header, e.heads = header, challenge
			list = append(list, e)
		}
		return list
	})},
	{name: "other values of /start/face", exchanges: []exchange{
		startFace("product", `"product":"h6"`, "Product"), startFace("no product", `"product":""`, "Product"),
		startFace("name alone", `"product":"basic","name":"欧阳测试"`, "IdNo"), startFace("number alone", `"product":"basic","id_no":"000000199001011234"`, "Name"),
		startFace("neither", `"product":"basic"`, "Name"), startFace("a number in name", `"product":"basic","name":["欧阳测试"],"id_no":"1"`, "Name"),
		startFace("a space in the number", `"product":"basic","name":"欧阳测试","id_no":"000000 199001011234"`, "IdNo"),
		startFace("no picture", `"product":"basic","source_photo":"stray-canary"`, "SourcePhoto"),
		startFace("a picture too large", `"product":"basic","source_photo":"`+strings.Repeat("/9j/", 1<<18)+`AAAA"`, "SourcePhoto"),
		startFace("another kind of picture", `"product":"basic","source_photo":"`+portrait+`","source_photo_type":"3"`, "SourcePhotoType"),
		startFace("another mode", `"product":"basic",`+ownPerson[len(`"user_id":"userOfTheFlow",`):]+`,"live_inter_type":"0"`, "LiveInterType"),
		startFace("no page to return to", `"product":"h5",`+ownPerson[len(`"user_id":"userOfTheFlow",`):], "Url"),
		startFace("a script to return to", `"product":"h5","url":"javascript:alert(1)"`, "Url"),
		startFace("half an address", `"product":"pch5","url":"/back"`, "Url"),
		startFace("another result", `"product":"h5","url":"https://shop.example/","result_type":"2"`, "ResultType"),
		startFace("another source", `"product":"h5","url":"https://shop.example/","from":"stray-canary"`, "From"),
		startFace("another redirect", `"product":"h5","url":"https://shop.example/","redirect_type":"0"`, "RedirectType"),
	}},
	{name: "other values of /check", exchanges: []exchange{
		checks("flow", `"flow":"stray-canary","sign":"`+strings.Repeat("0", 40)+`"`, "Flow"), checks("no flow", `"sign":"`+strings.Repeat("0", 40)+`"`, "Flow"),
		checks("no sign", `"flow":"ocr"`, "Sign"), checks("a short sign", `"flow":"ocr","sign":"`+strings.Repeat("0", 39)+`"`, "Sign"),
		checks("a sign of other digits", `"flow":"ocr","sign":"`+strings.Repeat("g", 40)+`"`, "Sign"),
		checks("no code", `"flow":"face","sign":"`+strings.Repeat("0", 40)+`"`, "Code"),
		checks("a code in letters", `"flow":"ocr","code":"stray-canary","sign":"`+strings.Repeat("0", 40)+`"`, "Code"),
	}},
}

func startFace(name, members, wrong string) exchange {
	return exchange{name: name, method: "POST", target: "/start/face", body: `{"user_id":"userOfTheFlow","order_no":"order1",` + members + `}`,
		status: 400, code: "InvalidParameterValue." + wrong, silent: true}
}

func checks(name, members, wrong string) exchange {
	return exchange{name: name, method: "POST", target: "/check", body: `{"order_no":"order1",` + members + `}`,
		status: 400, code: "InvalidParameterValue." + wrong, silent: true}
}

func TestRefusalsOfActs(t *testing.T) {
	t.Parallel()
	throughThese(t, actTransports[:2], actRefusals.run)
}
