package handler

import (
	"net/url"
	"slices"
	"strings"

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

// route finds the route of a path as it was sent. Segments are decoded one by one,
// so that an encoded slash never becomes a separator; nothing is cleaned.
func (r *Relay) route(path string) route {
	path, ok := strings.CutPrefix(path, r.RoutePrefix)
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

// query checks the parameters of a request and makes them a query: the only ones
// of a caller that reach the upstream.
func (r *Relay) query(to route, req *request) (upstream.Query, *failure) {
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
	return q, r.check(&q)
}

// check reports what is wrong with a query. An app id that is not configured, or an
// order number that is none, does not stay in it.
func (r *Relay) check(q *upstream.Query) *failure {
	if !slices.Contains(r.Apps, q.AppID) {
		q.AppID = ""
		return &failAppID
	}
	if !isOrderNo(q.OrderNo) {
		q.OrderNo = ""
		return &failOrderNo
	}
	return nil
}

// isOrderNo reports whether s is 1 to 32 letters and digits (document 1007).
func isOrderNo(s string) bool {
	if len(s) < 1 || len(s) > 32 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// add keeps a parameter that means something to the routes. The others are unknown, or
// computed by us: nonce, version, sign. Of one that is given many times, two tell enough.
func (r *request) add(name, value string) {
	switch name {
	case "order_no", "app_id", "get_file", "get_native":
	default:
		return
	}
	given := 0
	for _, p := range r.query {
		if p.name == name {
			given++
		}
	}
	if given < 2 {
		r.query = append(r.query, param{name, value})
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
