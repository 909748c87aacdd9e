package endtoend

import (
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// sabotage answers a call in place of the upstream; genuine gives the answer that the
// upstream would have given.
type sabotage func(w http.ResponseWriter, r *http.Request, genuine func() *httptest.ResponseRecorder)

// breaker stands before the upstream and applies a fault to the call it is armed for.
type breaker struct {
	fault    *fault
	line     *line
	followed atomic.Int32 // redirects

	mu    sync.Mutex
	armed string // a call, or ""
	hits  int
}

// paths are the calls' paths.
var paths = map[string]string{
	"/api/oauth2/access_token": "token", "/api/oauth2/api_ticket": "ticket", bankPath: "query", idPath: "query",
	"/elsewhere": "elsewhere",
}

// arm has the next calls of that name go wrong. They come over a new connection.
func (b *breaker) arm(call string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.armed, b.hits = call, 0
	b.line.expect(call, "token")
}

// disarm returns how often the fault took place.
func (b *breaker) disarm() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.armed = ""
	return b.hits + b.line.mend()
}

func (b *breaker) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := paths[r.URL.Path]
		if call == "elsewhere" {
			b.followed.Add(1)
		}
		b.mu.Lock()
		spoilt := b.armed == call && b.fault.answer != nil
		if spoilt {
			b.hits++
		}
		if b.fault.line {
			w.Header().Set("Connection", "close") // the next call needs another connection
			b.line.answered(b.armed, call)
		}
		b.mu.Unlock()
		if !spoilt {
			next.ServeHTTP(w, r)
			return
		}
		b.fault.answer(w, r, func() *httptest.ResponseRecorder {
			recorder := httptest.NewRecorder()
			next.ServeHTTP(recorder, r)
			return recorder
		})
	})
}

// hijack takes the connection.
func hijack(w http.ResponseWriter) net.Conn {
	_ = http.NewResponseController(w).Flush()
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return conn
}

func flush(w http.ResponseWriter, text string) {
	_, _ = io.WriteString(w, text)
	_ = http.NewResponseController(w).Flush()
}

// cutOff closes the connection, with an RST.
func cutOff(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func resetAtOnce(w http.ResponseWriter, _ *http.Request, _ func() *httptest.ResponseRecorder) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	cutOff(conn)
}

func closeAtOnce(http.ResponseWriter, *http.Request, func() *httptest.ResponseRecorder) {
	panic(http.ErrAbortHandler)
}

// raw writes what is perhaps no HTTP.
func raw(w http.ResponseWriter, text string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(conn, text)
	_ = conn.Close()
}

func noHTTP(w http.ResponseWriter, _ *http.Request, _ func() *httptest.ResponseRecorder) {
	raw(w, "stray-canary\r\n\r\n{\"code\":\"0\"}")
}

func hugeHeaders(w http.ResponseWriter, _ *http.Request, _ func() *httptest.ResponseRecorder) {
	raw(w, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nX-Large: "+strings.Repeat("stray-canary", 90_000)+"\r\n\r\n{\"code\":\"0\"}")
}

func resetAmid(w http.ResponseWriter, _ *http.Request, _ func() *httptest.ResponseRecorder) {
	w.Header().Set("Content-Length", "1000")
	flush(w, `{"code":"0","msg":"stray-canary`)
	cutOff(hijack(w))
}

func truncate(w http.ResponseWriter, _ *http.Request, genuine func() *httptest.ResponseRecorder) {
	body := genuine().Body.String()
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	flush(w, body[:len(body)/2])
	panic(http.ErrAbortHandler)
}

func slowHeaders(_ http.ResponseWriter, r *http.Request, _ func() *httptest.ResponseRecorder) {
	<-r.Context().Done()
}

func slowBody(w http.ResponseWriter, r *http.Request, _ func() *httptest.ResponseRecorder) {
	flush(w, `{"code":"0","msg":"`)
	<-r.Context().Done()
}

func says200(body string) sabotage {
	return func(w http.ResponseWriter, _ *http.Request, _ func() *httptest.ResponseRecorder) { flush(w, body) }
}

func status500(body string) sabotage {
	return func(w http.ResponseWriter, _ *http.Request, _ func() *httptest.ResponseRecorder) {
		w.WriteHeader(http.StatusInternalServerError)
		flush(w, body)
	}
}

func redirectAway(w http.ResponseWriter, r *http.Request, _ func() *httptest.ResponseRecorder) {
	w.Header().Set("Location", "http://"+r.Host+"/elsewhere")
	w.WriteHeader(http.StatusFound)
	flush(w, `{"code":"0","access_token":"stray-canary"}`)
}

// bomb is 100 MB in a tenth of a megabyte.
var bomb = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, `{"code":"0","msg":"`)
	for range 100 {
		_, _ = z.Write(make([]byte, 1<<20))
	}
	_ = z.Close()
	return b.Bytes()
})

func gzipBomb(w http.ResponseWriter, _ *http.Request, _ func() *httptest.ResponseRecorder) {
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("Content-Length", strconv.Itoa(len(bomb())))
	_, _ = w.Write(bomb())
}

// pour writes without an end, or until the client is gone.
func pour(w http.ResponseWriter, most int) {
	block := strings.Repeat("stray-canary ", 5000)
	_, err := io.WriteString(w, `{"code":"0","msg":"`)
	for n := 0; err == nil && n < most; n += len(block) {
		_, err = io.WriteString(w, block)
	}
}

func hundredMegabytes(w http.ResponseWriter, _ *http.Request, _ func() *httptest.ResponseRecorder) {
	w.Header().Set("Content-Length", strconv.Itoa(100<<20))
	pour(w, 99<<20)
	panic(http.ErrAbortHandler)
}

func endless(w http.ResponseWriter, _ *http.Request, _ func() *httptest.ResponseRecorder) {
	pour(w, 1<<40)
}

// duplicateKeys puts wrong members in front of the right ones.
func duplicateKeys(w http.ResponseWriter, _ *http.Request, genuine func() *httptest.ResponseRecorder) {
	rest := strings.TrimPrefix(genuine().Body.String(), "{")
	flush(w, `{"code":"400105","access_token":"stray-canary","tickets":[],"result":null,`+rest)
}
