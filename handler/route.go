package handler

import (
	"net/url"
	"slices"
	"strings"

	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/upstream"
)

// The routes by their names in the log.
const (
	routeNone   = "none"
	routeHealth = "health"
	routeResult = "result"
	routePhoto  = "photo"
	routeDropIn = "dropin"
)

// route is where a path leads.
type route struct {
	name  string
	typ   upstream.Type
	order string // routeResult, routePhoto
	photo string // routePhoto
}

// findRoute finds the route of a path as it was sent, behind prefix. Segments are decoded one
// by one, so that an encoded slash never becomes a separator; nothing is cleaned.
func findRoute(prefix, path string) route {
	path, ok := strings.CutPrefix(path, prefix)
	if !ok {
		return route{name: routeNone}
	}
	switch path {
	case "/healthz":
		return route{name: routeHealth}
	case upstream.BankCard.Path():
		return route{name: routeDropIn, typ: upstream.BankCard}
	case upstream.IDCard.Path():
		return route{name: routeDropIn, typ: upstream.IDCard}
	}
	rest, ok := strings.CutPrefix(path, "/ocr/")
	if !ok {
		return route{name: routeNone}
	}
	segments := strings.SplitN(rest, "/", 5) // one more than any route has
	for i, s := range segments {
		if decoded, err := url.PathUnescape(s); err == nil {
			segments[i] = decoded
		}
	}
	typ := upstream.Type(segments[0])
	switch {
	case !typ.IsKnown():
	case len(segments) == 2:
		return route{routeResult, typ, segments[1], ""}
	case len(segments) == 4 && segments[2] == "photos" && slices.Contains(typ.Photos(), segments[3]):
		return route{routePhoto, typ, segments[1], segments[3]}
	}
	return route{name: routeNone}
}

// ask checks the parameters of a request and makes them a query: the only ones
// of a caller that reach the upstream.
func (req *request) ask(r *relay.Relay, to route) (upstream.Query, *failure) {
	var (
		q      = upstream.Query{Type: to.typ, AppID: r.DefaultApp, OrderNo: to.order}
		values = map[string]string{}
	)
	for _, p := range req.query {
		if p.name == "order_no" && to.name != routeDropIn {
			continue
		}
		if _, twice := values[p.name]; twice {
			return q, failDuplicate(p.name)
		}
		values[p.name] = p.value
	}
	if to.name == routeDropIn {
		q.OrderNo = values["order_no"]
	}
	q.WithPhotos = values["get_file"] == "1"
	q.WithNative = values["get_native"] == "1"
	if id, given := values["app_id"]; given {
		q.AppID = id
	}
	if err := r.Check(&q); err != nil {
		fail := failed(err)
		return q, &fail
	}
	return q, nil
}

// add keeps a parameter that means something to the routes. The others are unknown, or
// computed by us: nonce, version, sign. Of one that is given many times, two tell enough.
func (req *request) add(name, value string) {
	switch name {
	case "order_no", "app_id", "get_file", "get_native":
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
