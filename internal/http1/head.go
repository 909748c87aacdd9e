package http1

import (
	"bufio"
	"cmp"
	"errors"
	"net/http"
	"strconv"
)

var (
	errHead   = errors.New("a request line that would be another one")
	errLength = errors.New("a body of unknown length")
)

// check reports what cannot be sent.
func check(r *http.Request) error {
	if !isWord(r.Method) || !isWord(r.URL.RawQuery) || !isWord(host(r)) {
		return errHead
	}
	if r.ContentLength < 0 || (r.Body == nil) != (r.ContentLength == 0) {
		return errLength
	}
	return nil
}

// isWord reports whether text has no white space and no control characters.
func isWord(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] == 0x7f {
			return false
		}
	}
	return true
}

func host(r *http.Request) string { return cmp.Or(r.Host, r.URL.Host) }

// writeHead writes the request line and the header. Only the header's values may have white space, of which
// net/http makes spaces.
func writeHead(w *bufio.Writer, r *http.Request) error {
	for _, text := range [...]string{r.Method, " ", cmp.Or(r.URL.EscapedPath(), "/")} {
		_, _ = w.WriteString(text)
	}
	if r.URL.RawQuery != "" {
		_ = w.WriteByte('?')
		_, _ = w.WriteString(r.URL.RawQuery)
	}
	for _, text := range [...]string{" HTTP/1.1\r\nHost: ", host(r), "\r\n"} {
		_, _ = w.WriteString(text)
	}
	if r.ContentLength > 0 {
		for _, text := range [...]string{"Content-Length: ", strconv.FormatInt(r.ContentLength, 10), "\r\n"} {
			_, _ = w.WriteString(text)
		}
	}
	if err := r.Header.Write(w); err != nil {
		return err
	}
	_, err := w.WriteString("\r\n")
	return err
}
