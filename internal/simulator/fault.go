package simulator

import (
	"net"
	"net/http"
	"time"
)

func htmlPage(w http.ResponseWriter, _ *body) {
	page(w, http.StatusOK, "System maintenance")
}

func badGateway(w http.ResponseWriter, _ *body) {
	page(w, http.StatusBadGateway, "502 Bad Gateway")
}

// truncated relies on net/http, which closes the connection of a handler that
// wrote less than it declared.
func truncated(w http.ResponseWriter, b *body) {
	b.sendPart(w, b.size(), b.size()/2)
}

func cut(w http.ResponseWriter, b *body) {
	b.sendPart(w, b.size()/2, b.size()/2)
}

func emptyBody(w http.ResponseWriter, _ *body) {
	new(body).send(w)
}

// wait pauses and reports whether the client is still there.
func wait(r *http.Request, pause time.Duration) bool {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// reset closes the connection, with an RST where there is TCP. Where the
// connection cannot be had, net/http aborts the answer. Go's own client repeats
// a GET by itself if that happens on a connection it had kept alive: the nonce
// comes a second time, which is a violation like any other.
func reset(w http.ResponseWriter, _ *body) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// redirect points to a name that by RFC 6761 never resolves, without the query.
func redirect(w http.ResponseWriter, _ *body) {
	w.Header().Set("Location", "https://elsewhere.invalid/login")
	w.WriteHeader(http.StatusFound)
}
