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

// fixed returns the route of a path without a parameter, one without a name where there is none.
func fixed(path string) route {
	switch path {
	case "/healthz":
		return route{name: routeHealth, method: http.MethodGet}
	case "/start/ocr":
		return route{name: routeStartOCR, method: http.MethodPost, scope: config.Start}
	case "/start/face":
		return route{name: routeStartFace, method: http.MethodPost, scope: config.Start}
	case "/check":
		return route{name: routeCheck, method: http.MethodPost, scope: config.Check}
	case "/api/oauth2/access_token":
		return route{name: routeToken, method: http.MethodGet, scope: config.Ticket}
	case "/api/oauth2/api_ticket":
		return route{name: routeTicket, method: http.MethodGet, scope: config.Ticket}
	}
	if call := upstream.Call(path); call.IsKnown() {
		return route{name: routeDropIn, method: call.Method(), scope: scope(call), call: call, typ: typeOf(call)}
	}
	return route{}
}

// scope returns what a caller needs for a call, by the call's purpose.
func scope(call upstream.Call) config.Scope {
	switch call.Step() {
	case "result", "picture":
		return config.OCR
	case "face result":
		return config.Face
	case "face id", "certificate id":
		return config.Start
	}
	return ""
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
	if to := fixed(path); to.name != "" {
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
