package handler

import (
	"encoding/json"
	"net/url"
	"strings"

	"kyc-ocr-relay/internal/jsonscan"
	"kyc-ocr-relay/internal/upstream"
)

// params reads the parameters of a GET, checks them and makes them those of the call: the only
// ones of a caller that reach the upstream.
func (x *exchange) params() (call upstream.Call, p upstream.Params, fail *failure) {
	values := map[string]string{}
	call, p = x.to.call, upstream.Params{AppID: x.relay.DefaultApp, OrderNo: x.to.order}
	for _, q := range x.query {
		if q.name == "order_no" && x.to.name != routeDropIn {
			continue
		}
		if _, twice := values[q.name]; twice {
			return call, p, failDuplicate(q.name)
		}
		values[q.name] = q.value
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

// asked returns the value that asks for files, "" for any that has no meaning.
func asked(call upstream.Call, value string) string {
	if value == "1" || (value == "2" || value == "3") && call.Step() == "face result" {
		return value
	}
	return ""
}

// add keeps a parameter that means something to the routes. The others are unknown, or
// computed by us: nonce, version, sign. Of one that is given many times, two tell enough.
func (req *request) add(name, value string) {
	switch name {
	case "order_no", "app_id", "get_file", "get_native", "product":
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
