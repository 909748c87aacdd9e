package page

import (
	"net"
	"net/http"
)

// policy lets the page load its own files alone, and its pictures and videos from itself.
const policy = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; " +
	"object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard lets through what the page itself asks, and the user who opens it. A site that has its own
// name lead to this machine (DNS rebinding) sends that name as the Host; any other site is told by
// what the browser says of the origin.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		switch {
		case !isLoopback(r.Host):
			http.Error(w, "this page answers to 127.0.0.1 and localhost alone", http.StatusForbidden)
		case !sameOrigin(r):
			http.Error(w, "this request comes from another site: open the page's address itself", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// isLoopback reports whether a Host header names this machine. Its port does not matter: it may be
// that of a tunnel.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return host == "127.0.0.1" || host == "localhost" || host == "::1" || host == "[::1]"
}

// sameOrigin reports whether the page itself asks, or, with a GET, the user. A browser says who
// asks in Sec-Fetch-Site; of a request that changes something even an old one gives the Origin.
// What says neither is no browser, and could do anything without the page.
func sameOrigin(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin":
		return true
	case "none":
		return r.Method == http.MethodGet || r.Method == http.MethodHead
	}
	return false
}
