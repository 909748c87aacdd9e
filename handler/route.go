package handler

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/upstream"
)

// The routes by their names in the log.
const (
	routeNone      = "none"
	routeHealth    = "health"
	routeResult    = "result"
	routePhoto     = "photo"
	routeDropIn    = "dropin"
	routeStartOCR  = "start_ocr"
	routeStartFace = "start_face"
	routeCheck     = "check"
	routeToken     = "token"
	routeTicket    = "ticket"
)

// route is where a path leads.
type route struct {
	name   string
	method string
	scope  config.Scope // that a caller needs; "" for routeHealth
	call   upstream.Call
	typ    upstream.Type
	order  string // routeResult, routePhoto
	photo  string // routePhoto
}

// fixed are the routes whose path has no parameter.
var fixed = func() map[string]route {
	routes := map[string]route{
		"/healthz":    {name: routeHealth, method: http.MethodGet},
		"/start/ocr":  {name: routeStartOCR, method: http.MethodPost, scope: config.Start},
		"/start/face": {name: routeStartFace, method: http.MethodPost, scope: config.Start},
		"/check":      {name: routeCheck, method: http.MethodPost, scope: config.Check},

		"/api/oauth2/access_token": {name: routeToken, method: http.MethodGet, scope: config.Ticket},
		"/api/oauth2/api_ticket":   {name: routeTicket, method: http.MethodGet, scope: config.Ticket},
	}
	for _, call := range upstream.Calls() {
		routes[call.Path()] = route{name: routeDropIn, method: call.Method(), scope: scopes[call.Step()], call: call, typ: typeOf(call)}
	}
	return routes
}()

// scopes has the scope for each purpose of the upstream's calls.
var scopes = map[string]config.Scope{
	"result": config.OCR, "picture": config.OCR,
	"face result": config.Face,
	"face id":     config.Start, "certificate id": config.Start,
}

// typeOf returns the type whose result a call asks for, "" for most calls.
func typeOf(call upstream.Call) upstream.Type {
	for _, typ := range [...]upstream.Type{upstream.BankCard, upstream.IDCard, upstream.Face} {
		if typ.Call() == call {
			return typ
		}
	}
	return ""
}

// findRoute finds the route of a path as it was sent, behind prefix. Segments are decoded one
// by one, so that an encoded slash never becomes a separator; nothing is cleaned.
func findRoute(prefix, path string) route {
	none := route{name: routeNone}
	path, ok := strings.CutPrefix(path, prefix)
	if !ok {
		return none
	}
	if to, ok := fixed[path]; ok {
		return to
	}
	segments := strings.SplitN(path, "/", 7) // one more than any route has
	for i, s := range segments {
		if decoded, err := url.PathUnescape(s); err == nil {
			segments[i] = decoded
		}
	}
	switch {
	case len(segments) >= 4 && segments[0] == "" && segments[1] == "ocr" && upstream.Type(segments[2]).IsKnown():
		typ := upstream.Type(segments[2])
		to := route{routeResult, http.MethodGet, config.OCR, typ.Call(), typ, segments[3], ""}
		switch {
		case len(segments) == 4:
			return to
		case len(segments) == 6 && segments[4] == "photos" && slices.Contains(typ.Photos(), segments[5]):
			to.name, to.photo = routePhoto, segments[5]
			return to
		}
	case len(segments) >= 3 && segments[0] == "" && segments[1] == "face":
		to := route{routeResult, http.MethodGet, config.Face, upstream.FaceRecord, upstream.Face, segments[2], ""}
		switch {
		case len(segments) == 3:
			return to
		case len(segments) == 4 && slices.Contains(upstream.Face.Photos(), segments[3]):
			to.name, to.photo = routePhoto, segments[3]
			return to
		}
	}
	return none
}
