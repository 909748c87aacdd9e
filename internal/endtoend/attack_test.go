package endtoend

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// authorized is the head of a request of alice's, without its first line.
const authorized = "Host: function\r\nAuthorization: Bearer " + aliceToken + "\r\n"

// wire sends bytes to the Web function as they are, round the platform, and reads all
// that it answers until it closes the connection, or has answered and waits for more.
func (w *world) wire(t *testing.T, text string) (answers []*answer, closed bool) {
	t.Helper()
	conn, err := net.Dial("tcp", w.web.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(conn, text) // the function may close before it has read all
	}()
	defer func() { conn.Close(); <-sent }()
	reader := bufio.NewReader(conn)
	for {
		if len(answers) > 0 {
			_ = conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		}
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			timeout, ok := err.(net.Error)
			return answers, !ok || !timeout.Timeout()
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Errorf("a body that breaks off: %v", err)
			return answers, true
		}
		a := &answer{response.StatusCode, response.Header, body}
		answers = append(answers, a)
		w.mu.Lock()
		_ = a.header.Write(&w.told)
		if !w.witness.sent(a.sum()) {
			w.told.Write(a.body)
		}
		w.mu.Unlock()
	}
}

// attack is what is sent over one connection and what comes back.
type attack struct {
	name     string
	text     string
	statuses string // of the answers, in order
	closed   bool   // the connection is closed behind them
	asks     int    // result queries that reach the upstream
}

const get1 = "GET /ocr/bankcard/card1 HTTP/1.1\r\n" + authorized

// attacks are requests that no HTTP client sends. Those with a status of 400 and
// nothing of the function's in them are refused by net/http.
var attacks = []attack{
	{"a good one", get1 + "\r\n", "200", false, 1},
	{"two in one packet", get1 + "\r\n" + get1 + "\r\n", "200 200", false, 2},

	// Smuggling: whoever stands before the function must see as many requests as it does.
	{"two lengths", get1 + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nstray-canary", "400", true, 0},
	{"two lengths in one header", get1 + "Content-Length: 5, 6\r\n\r\nstray-canary", "400", true, 0},
	{"a length with a sign", get1 + "Content-Length: +5\r\n\r\nstray", "400", true, 0},
	{"a length in hex", get1 + "Content-Length: 0x5\r\n\r\nstray", "400", true, 0},
	{"a length below zero", get1 + "Content-Length: -1\r\n\r\n", "400", true, 0},
	{"a length of more than 64 bits", get1 + "Content-Length: 99999999999999999999\r\n\r\n", "400", true, 0},
	// Length and chunks: RFC 9112, 6.3, lets a server go by the chunks if it closes the connection. So
	// it does, and what is behind them is no request, whatever the length says.
	{"length and chunks, and a request behind the chunks", get1 + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + get1 + "\r\n", "200", true, 1},
	{"chunks and length, and a request behind the chunks", get1 + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + get1 + "\r\n", "200", true, 1},
	{"length over a request, and chunks that end before it", get1 + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n", len(get1)+7) + "0\r\n\r\n" + get1 + "\r\n", "200", true, 1},
	{"length of nothing, and a request in a chunk", get1 + fmt.Sprintf("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", len(get1)+2) + get1 + "\r\n\r\n0\r\n\r\n", "200", true, 1},
	{"chunks of HTTP/1.0, and a request behind", strings.Replace(get1, "HTTP/1.1", "HTTP/1.0", 1) + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + get1 + "\r\n", "200", true, 1},
	{"a chunk of an odd size, and a request behind", get1 + "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + get1 + "\r\n", "200", true, 1},
	{"a chunk with a sign, and a request behind", get1 + "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + get1 + "\r\n", "200", true, 1},
	{"a request in a trailer", get1 + "Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n0\r\nX-T: 1\r\n\r\n" + get1 + "\r\n", "200", true, 1},
	{"a space before the colon of an encoding", get1 + "Content-Length: 4\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + get1 + "\r\n", "400", true, 0},
	{"a tab before an encoding", get1 + "Content-Length: 4\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + get1 + "\r\n", "200", true, 1},
	{"an encoding with a vertical tab", get1 + "Content-Length: 4\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + get1 + "\r\n", "400", true, 0},
	{"an encoding behind a bare CR", get1 + "Content-Length: 4\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + get1 + "\r\n", "400", true, 0},
	{"an encoding that is quoted", get1 + "Content-Length: 4\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" + get1 + "\r\n", "501", true, 0},
	{"a request in a body with a length", get1 + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(get1)+2) + get1 + "\r\n", "200", true, 1},
	{"a request behind a body", get1 + "Content-Length: 5\r\n\r\nstray" + get1 + "\r\n", "200", true, 1},
	{"a request in chunks", get1 + "Transfer-Encoding: chunked\r\n\r\n5\r\nstray\r\n0\r\n\r\n" + get1 + "\r\n", "200", true, 1},
	{"an unknown encoding", get1 + "Transfer-Encoding: stray-canary\r\n\r\n" + get1 + "\r\n", "501", true, 0},
	{"chunked twice", get1 + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "501", true, 0},
	{"two encodings", get1 + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", "501", true, 0},
	{"a space before the colon", get1 + "Content-Length : 5\r\n\r\nstray", "400", true, 0},
	{"a folded header", get1 + "X-Fold: a\r\n b: stray-canary\r\n\r\n", "200", false, 1},
	{"a bare CR in a header", get1 + "X-Bare: a\rb\r\n\r\n", "400", true, 0},
	{"NUL in a header", get1 + "X-Nul: a\x00b\r\n\r\n", "400", true, 0},
	{"NUL in a header's name", get1 + "X\x00: a\r\n\r\n", "400", true, 0},
	{"an upgrade", get1 + "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "200", false, 1},
	{"HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "401", true, 0},
	{"HTTP/0.9", "GET /ocr/bankcard/card1\r\n", "400", true, 0},
	{"HTTP/3.7", "GET / HTTP/3.7\r\n" + authorized + "\r\n", "505", true, 0},

	// The request line.
	{"a host in the target", "GET http://stray-canary.example/ocr/bankcard/card1 HTTP/1.1\r\n" + authorized + "\r\n", "200", false, 1},
	{"a user in the target", "GET http://stray-canary@stray-canary.example/ocr/bankcard/card1 HTTP/1.1\r\n" + authorized + "\r\n", "200", false, 1},
	{"another Host", "GET /ocr/bankcard/card1 HTTP/1.1\r\nHost: stray-canary.example:81\r\nAuthorization: Bearer " + aliceToken + "\r\n\r\n", "200", false, 1},
	{"two Hosts", "GET /ocr/bankcard/card1 HTTP/1.1\r\nHost: stray-canary.example\r\n" + authorized + "\r\n", "400", true, 0},
	{"no Host", "GET /ocr/bankcard/card1 HTTP/1.1\r\nAuthorization: Bearer " + aliceToken + "\r\n\r\n", "400", true, 0},
	{"CONNECT", "CONNECT stray-canary.example:443 HTTP/1.1\r\n" + authorized + "\r\n", "404", false, 0},
	{"the asterisk", "OPTIONS * HTTP/1.1\r\n" + authorized + "\r\n", "404", false, 0},
	{"a target without a slash", "GET ocr/bankcard/card1 HTTP/1.1\r\n" + authorized + "\r\n", "400", true, 0},
	{"NUL in the path", "GET /ocr/bankcard/card\x001 HTTP/1.1\r\n" + authorized + "\r\n", "400", true, 0},
	{"a bare LF in the path", "GET /ocr/bankcard/card1\nX: HTTP/1.1\r\n" + authorized + "\r\n", "400", true, 0},
	{"a space in the path", "GET /ocr/bankcard/stray canary HTTP/1.1\r\n" + authorized + "\r\n", "400", true, 0},
	{"bytes above ASCII in the path", "GET /ocr/bankcard/card\xff\xfe HTTP/1.1\r\n" + authorized + "\r\n", "400", false, 0},
	{"a broken escape", "GET /ocr/bankcard/card%zz HTTP/1.1\r\n" + authorized + "\r\n", "400", true, 0},
	{"a method of another alphabet", "GÉT /ocr/bankcard/card1 HTTP/1.1\r\n" + authorized + "\r\n", "400", true, 0},
	{"a method with a line break in it", "GE\rT /ocr/bankcard/card1 HTTP/1.1\r\n" + authorized + "\r\n", "400", true, 0},
	{"a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03stray-canary\r\n\r\n", "400", true, 0},

	// What a request id could bring into the answer and the log.
	{"a line break in the request id", get1 + "X-Scf-Request-Id: a\r\nX-Injected: stray-canary\r\n\r\n", "200", false, 1},
	{"JSON in the request id", get1 + `X-Scf-Request-Id: "},{"stray-canary":"` + "\r\n\r\n", "200", false, 1},

	{"headers of 1 MB", get1 + "X-Large: " + strings.Repeat("stray-canary ", 90_000) + "\r\n\r\n", "431", true, 0},
	{"ten thousand headers", get1 + strings.Repeat("X-Many: stray-canary\r\n", 10_000) + "\r\n", "431", true, 0},
	{"a target of 1 MB", "GET /ocr/bankcard/" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\n" + authorized + "\r\n", "431", true, 0},
	{"a body of a gigabyte, of which some is there", get1 + "Content-Length: 1073741824\r\n\r\n" + strings.Repeat("stray-canary", 1000), "200", true, 1},
}

// TestAttacksOnTheWire goes round the platform, which would stop most of this.
func TestAttacksOnTheWire(t *testing.T) {
	t.Parallel()
	w := open(t, webTransport, setting{})
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			_, before := w.witness.count()
			answers, closed := w.wire(t, a.text)
			var statuses []string
			for _, got := range answers {
				statuses = append(statuses, fmt.Sprint(got.status))
				if got.header.Get("X-Injected") != "" || len(got.header["X-Request-Id"]) > 1 {
					t.Errorf("header %v", got.header)
				}
			}
			if got := strings.Join(statuses, " "); got != a.statuses {
				t.Errorf("statuses %s, want %s", got, a.statuses)
			}
			if closed != a.closed {
				t.Errorf("closed is %v, want %v", closed, a.closed)
			}
			if _, after := w.witness.count(); after-before != a.asks {
				t.Errorf("%d queries, want %d", after-before, a.asks)
			}
		})
	}
	w.expectStatus("/ocr/bankcard/afterwards", 200)
}

// TestABodyIsNotReadToItsEnd pours a gigabyte behind a GET: the function answers at once
// and stops reading.
func TestABodyIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	w := open(t, webTransport, setting{})
	conn, err := net.Dial("tcp", w.web.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(conn, get1+"Content-Length: 1073741824\r\n\r\n")
	poured := make(chan int)
	go func() {
		n, block := 0, make([]byte, 64<<10)
		for {
			more, err := conn.Write(block)
			if n += more; err != nil {
				poured <- n
				return
			}
		}
	}()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || response.StatusCode != 200 {
		t.Error(response, err)
	}
	// What the network itself holds for a reader is some megabytes.
	if n := <-poured; n > 32<<20 {
		t.Errorf("%d MB were taken", n>>20)
	}
}
