package simulator

import (
	"net/http"
	"strconv"
)

// body is an answer in pieces, so that megabytes of photos are put together
// from shared blocks and never copied.
type body struct {
	pieces [][]byte
	open   []byte // text that follows the pieces
}

// text appends a string as it is.
func (b *body) text(s string) {
	b.open = append(b.open, s...)
}

// share appends bytes that somebody else owns and nobody changes.
func (b *body) share(p []byte) {
	b.pieces = append(b.pieces, b.open, p)
	b.open = nil
}

func (b *body) size() int {
	n := len(b.open)
	for _, p := range b.pieces {
		n += len(p)
	}
	return n
}

// send answers with the whole body.
func (b *body) send(w http.ResponseWriter) {
	b.sendPart(w, b.size(), b.size())
}

// sendPart promises one length and sends another.
func (b *body) sendPart(w http.ResponseWriter, promised, sent int) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(promised))
	for _, p := range append(b.pieces, b.open) {
		p = p[:min(len(p), sent)]
		sent -= len(p)
		if _, err := w.Write(p); err != nil {
			return // the client has left
		}
	}
}
