package handler

import (
	"net/url"
	"reflect"
	"strings"
	"testing"

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
			q, fail := req.ask(r, route{name: name, typ: upstream.IDCard, order: "fromthepath"})
			checkQuery(t, raw, name, q, fail, got)
		}
	})
}

// checkQuery holds a query that was accepted to its parameters, and to values that are safe in a URL.
func checkQuery(t *testing.T, raw, name string, q upstream.Query, fail *failure, given url.Values) {
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
	want := upstream.Query{
		Type: upstream.IDCard, AppID: app, OrderNo: order,
		WithPhotos: given.Get("get_file") == "1", WithNative: given.Get("get_native") == "1",
	}
	if valid && !reflect.DeepEqual(q, want) {
		t.Errorf("%s?%s: %+v, want %+v", name, raw, q, want)
	}
}

// isPlainOrder says in another way what an order number is.
func isPlainOrder(s string) bool {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return s != "" && len(s) <= 32 && strings.Trim(s, plain) == ""
}

func TestRoutes(t *testing.T) {
	const none = routeNone
	for path, want := range map[string]route{
		"/healthz":                                {name: routeHealth},
		"/ocr/bankcard/a1":                        {routeResult, upstream.BankCard, "a1", ""},
		"/ocr/idcard/a%2Fb":                       {routeResult, upstream.IDCard, "a/b", ""},
		"/ocr/idcard/a%zz":                        {routeResult, upstream.IDCard, "a%zz", ""},
		"/ocr/b%61nkcard/a1":                      {routeResult, upstream.BankCard, "a1", ""},
		"/ocr/bankcard/":                          {routeResult, upstream.BankCard, "", ""},
		"/ocr/idcard/a1/photos/headPhoto":         {routePhoto, upstream.IDCard, "a1", "headPhoto"},
		"/ocr/bankcard/a1/photos/headPhoto":       {name: none},
		"/ocr/bankcard/a1/Photos/bankcardNoPhoto": {name: none},
		"/ocr/bankcard/a1/photos/":                {name: none},
		"/ocr/bankcard/a1/":                       {name: none},
		"/ocr/bankcard":                           {name: none},
		"/ocr/":                                   {name: none},
		"/ocr":                                    {name: none},
		"/ocr/passport/a1":                        {name: none},
		"/ocr/./bankcard/a1":                      {name: none},
		"/healthz/":                               {name: none},
		"//healthz":                               {name: none},
		"healthz":                                 {name: none},
		"":                                        {name: none},
		"*":                                       {name: none},
		"/api/server/getOcrResult":                {name: routeDropIn, typ: upstream.IDCard},
		"/api/server/getBankCardOcrResult":        {name: routeDropIn, typ: upstream.BankCard},
		"/api/server/getbankcardocrresult":        {name: none},
	} {
		for _, prefix := range []string{"", "/kyc", "/a/b.c"} {
			if got := findRoute(prefix, prefix+path); got != want {
				t.Errorf("prefix %q: route(%q) = %+v, want %+v", prefix, path, got, want)
			}
			if prefix != "" && findRoute(prefix, path) != (route{name: none}) {
				t.Errorf("prefix %q is not needed for %q", prefix, path)
			}
		}
	}
}
