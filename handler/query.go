package handler

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"kyc-ocr-relay/internal/jsonscan"
	"kyc-ocr-relay/internal/upstream"
)

// params reads the parameters of a GET, checks them and makes them those of the call: the only
// ones of a caller that reach the upstream.
func (x *exchange) params() (call upstream.Call, p upstream.Params, fail *failure) {
	call, p = x.to.call, upstream.Params{AppID: x.relay.DefaultApp, OrderNo: x.to.order}
	names := []string{"app_id", "get_file", "get_native", "product", "order_no"}
	if x.to.name != routeDropIn {
		names = names[:4]
	}
	values, fail := x.values(names...)
	if fail != nil {
		return call, p, fail
	}
	if x.to.name == routeDropIn {
		p.OrderNo = values["order_no"]
	}
	if id, given := values["app_id"]; given {
		p.AppID = id
	}
	if values["product"] == "will" && x.to.call == upstream.FaceRecord {
		call = upstream.Will.Query()
	}
	p.Files = asked(call, values["get_file"])
	p.WithNative = values["get_native"] == "1"
	return call, p, x.mayAsk(&p.AppID, &p.OrderNo)
}

// values returns the parameters with these names that were given.
func (req *request) values(names ...string) (map[string]string, *failure) {
	values := make(map[string]string, len(names))
	for _, q := range req.query {
		if !slices.Contains(names, q.name) {
			continue
		}
		if _, twice := values[q.name]; twice {
			return values, failDuplicate(q.name)
		}
		values[q.name] = q.value
	}
	return values, nil
}

// asked returns the value that asks for files, "" for any that has no meaning.
func asked(call upstream.Call, value string) string {
	if value == "1" || (value == "2" || value == "3") && call.Step() == "face result" {
		return value
	}
	return ""
}

// add keeps a parameter that means something to a route. Of one that is given many times, two
// tell enough.
func (req *request) add(name, value string) {
	switch name {
	case "order_no", "app_id", "get_file", "get_native", "product":
	case "appId", "secret", "access_token", "type", "user_id", "rotate": // of the token routes
	case "nonce", "sign": // they may prove who asks; they are not handed on
	default:
		return
	}
	given := 0
	for _, p := range req.query {
		if p.name == name {
			given++
		}
	}
	if given < 2 {
		req.query = append(req.query, param{name, value})
	}
}

// parseQuery splits a raw query. What cannot be decoded stays as it is, and is
// refused where it matters.
func parseQuery(raw string, visit func(name, value string)) {
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		visit(unescape(name), unescape(value))
	}
}

func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// decodeQuery reads the query of an event, an object or the raw text, and reports whether
// there was one.
func decodeQuery(raw json.RawMessage, visit func(name, value string)) (found bool) {
	count := func(name, value string) {
		found = true
		visit(name, value)
	}
	if query := jsonscan.Text(raw); query != "" {
		parseQuery(strings.TrimPrefix(query, "?"), count)
	} else {
		decodePairs(raw, count)
	}
	return found
}

// decodePairs reads an object of names and values, in the forms that events come
// with: text, a list for a name given several times, true for a name without a
// value, numbers, null. Nothing is merged: a name given twice, in whatever way, is
// two pairs. None is kept here: there may be a million.
func decodePairs(raw json.RawMessage, visit func(name, value string)) {
	for name, value := range jsonscan.Members(raw) {
		if value[0] != '[' {
			visit(name, plain(value))
			continue
		}
		for element := range jsonscan.Items(value) {
			visit(name, plain(element))
		}
	}
}

// plain is the text of a value: of a string what it holds, of true and null nothing,
// else the JSON itself.
func plain(raw json.RawMessage) string {
	switch string(raw) {
	case "true", "null":
		return ""
	}
	if raw[0] == '"' {
		return jsonscan.Text(raw)
	}
	return string(raw)
}
