package handler

import (
	"net/url"
	"reflect"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/upstream"
)

// FuzzQuery compares parseQuery with net/url, and looks at what a query may become.
func FuzzQuery(f *testing.F) {
	r := relay.New(relay.Config{Apps: []string{"IDA1", "IDA2"}, DefaultApp: "IDA1"})
	f.Fuzz(func(t *testing.T, raw string) {
		var params []param
		var req request
		parseQuery(raw, func(name, value string) {
			params = append(params, param{name, value})
			req.add(name, value)
		})
		got := url.Values{}
		for _, p := range params {
			got.Add(p.name, p.value)
		}
		if want, err := url.ParseQuery(raw); err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("parseQuery(%q) = %v, want %v", raw, got, want)
		}
		pairs := 0
		for pair := range strings.SplitSeq(raw, "&") {
			if pair != "" {
				pairs++
			}
		}
		if len(params) != pairs {
			t.Errorf("parseQuery(%q) has %d parameters, want %d", raw, len(params), pairs)
		}
		for _, name := range []string{routeDropIn, routeResult} {
			to := route{name: name, call: upstream.IDCardResult, typ: upstream.IDCard, order: "fromthepath"}
			x := &exchange{request: &req, relay: r, caller: &config.Caller{}, to: to, line: &logLine{}}
			_, p, fail := x.params()
			checkQuery(t, raw, name, p, fail, got)
		}
	})
}

// checkQuery holds a query that was accepted to its parameters, and to values that are safe in a URL.
func checkQuery(t *testing.T, raw, name string, p upstream.Params, fail *failure, given url.Values) {
	t.Helper()
	order := "fromthepath"
	known := []string{"app_id", "get_file", "get_native"}
	if name == routeDropIn {
		order = given.Get("order_no")
		known = append(known, "order_no")
	}
	twice := false
	for _, k := range known {
		twice = twice || len(given[k]) > 1
	}
	app := "IDA1"
	if given.Has("app_id") {
		app = given.Get("app_id")
	}
	valid := !twice && (app == "IDA1" || app == "IDA2") && isPlainOrder(order)
	if valid != (fail == nil) {
		t.Errorf("%s?%s: %+v", name, raw, fail)
	}
	want := upstream.Params{AppID: app, OrderNo: order, WithNative: given.Get("get_native") == "1"}
	if given.Get("get_file") == "1" {
		want.Files = "1"
	}
	if valid && !reflect.DeepEqual(p, want) {
		t.Errorf("%s?%s: %+v, want %+v", name, raw, p, want)
	}
}

// isPlainOrder says in another way what an order number is.
func isPlainOrder(s string) bool {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return s != "" && len(s) <= 32 && strings.Trim(s, plain) == ""
}

func TestRoutes(t *testing.T) {
	const get, post = "GET", "POST"
	none := route{name: routeNone}
	bank := func(order string) route {
		return route{routeResult, get, config.OCR, upstream.BankCardResult, upstream.BankCard, order, ""}
	}
	id := func(order string) route {
		return route{routeResult, get, config.OCR, upstream.IDCardResult, upstream.IDCard, order, ""}
	}
	face := func(name, order, file string) route {
		return route{name, get, config.Face, upstream.FaceRecord, upstream.Face, order, file}
	}
	for path, want := range map[string]route{
		"/healthz":                                {name: routeHealth, method: get},
		"/ocr/bankcard/a1":                        bank("a1"),
		"/ocr/idcard/a%2Fb":                       id("a/b"),
		"/ocr/idcard/a%zz":                        id("a%zz"),
		"/ocr/b%61nkcard/a1":                      bank("a1"),
		"/ocr/bankcard/":                          bank(""),
		"/ocr/idcard/a1/photos/headPhoto":         {routePhoto, get, config.OCR, upstream.IDCardResult, upstream.IDCard, "a1", "headPhoto"},
		"/ocr/bankcard/a1/photos/headPhoto":       none,
		"/ocr/bankcard/a1/Photos/bankcardNoPhoto": none,
		"/ocr/bankcard/a1/photos/":                none,
		"/ocr/bankcard/a1/":                       none,
		"/ocr/bankcard":                           none,
		"/ocr/":                                   none,
		"/ocr":                                    none,
		"/ocr/passport/a1":                        none,
		"/ocr/face/a1":                            none,
		"/ocr/./bankcard/a1":                      none,
		"/face/a1":                                face(routeResult, "a1", ""),
		"/face/":                                  face(routeResult, "", ""),
		"/face/a1/photo":                          face(routePhoto, "a1", "photo"),
		"/face/a1/video":                          face(routePhoto, "a1", "video"),
		"/face/a1/photos/photo":                   none,
		"/face/a1/":                               none,
		"/face":                                   none,
		"/start/ocr":                              {name: routeStartOCR, method: post, scope: config.Start},
		"/start/face":                             {name: routeStartFace, method: post, scope: config.Start},
		"/start":                                  none,
		"/check":                                  {name: routeCheck, method: post, scope: config.Check},
		"/api/oauth2/access_token":                {name: routeToken, method: get, scope: config.Ticket},
		"/api/oauth2/api_ticket":                  {name: routeTicket, method: get, scope: config.Ticket},
		"/healthz/":                               none,
		"//healthz":                               none,
		"healthz":                                 none,
		"":                                        none,
		"*":                                       none,
		"/api/server/getOcrResult":                {name: routeDropIn, method: get, scope: config.OCR, call: upstream.IDCardResult, typ: upstream.IDCard},
		"/api/server/getBankCardOcrResult":        {name: routeDropIn, method: get, scope: config.OCR, call: upstream.BankCardResult, typ: upstream.BankCard},
		"/api/server/sync":                        {name: routeDropIn, method: get, scope: config.Face, call: upstream.FaceSync},
		"/api/v2/base/queryfacerecord":            {name: routeDropIn, method: post, scope: config.Face, call: upstream.FaceRecord, typ: upstream.Face},
		"/api/server/h5/geth5faceid":              {name: routeDropIn, method: post, scope: config.Start, call: upstream.H5FaceID},
		"/api/server/getOcrCertId":                {name: routeDropIn, method: post, scope: config.Start, call: upstream.OCRCertID},
		"/api/paas/idcardocrapp":                  {name: routeDropIn, method: post, scope: config.OCR, call: upstream.IDCardPicture},
		"/api/server/getbankcardocrresult":        none,
	} {
		for _, prefix := range []string{"", "/kyc", "/a/b.c"} {
			if got := findRoute(prefix, prefix+path); got != want {
				t.Errorf("prefix %q: route(%q) = %+v, want %+v", prefix, path, got, want)
			}
			if prefix != "" && findRoute(prefix, path) != none {
				t.Errorf("prefix %q is not needed for %q", prefix, path)
			}
		}
	}
	for _, call := range upstream.Calls() {
		if findRoute("", call.Path()).scope == "" {
			t.Errorf("%s needs no scope", call.Path())
		}
	}
}
