package endtoend

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// loadTime is how long the load lasts: KYC_LOAD, or as long as every run can afford.
func loadTime(t *testing.T) time.Duration {
	text := os.Getenv("KYC_LOAD")
	if text == "" {
		return 10 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal("KYC_LOAD:", err)
	}
	return d
}

// The 64 connections of the load.
const (
	goodClients    = 32
	wrongClients   = 8
	hostileClients = 24
)

// TestLoad has good, wrong and hostile requests side by side, and an upstream that fails
// one query in ten: whoever is answered gets the right answer, and nothing is left behind.
//
// It is not parallel to others: they would wait longer than they do for anything else.
func TestLoad(t *testing.T) {
	w := openLoad(t, webTransport)
	base := "http://" + w.web.Addr()
	pool := &http.Transport{MaxIdleConnsPerHost: goodClients, DisableCompression: true}
	w.ask(t.Context(), pool.RoundTrip, base+"/ocr/bankcard/first"+loadMark, "first"+loadMark, &counts{})
	pool.CloseIdleConnections()
	before := openFiles(t, w.process)

	ctx, cancel := context.WithTimeout(t.Context(), loadTime(t))
	defer cancel()
	var (
		good, wrong, hostile counts
		clients              sync.WaitGroup
	)
	for i := range goodClients {
		clients.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				target, order := goodTarget(i, n)
				w.ask(ctx, pool.RoundTrip, base+target, order, &good)
			}
		})
	}
	for i := range wrongClients {
		clients.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				w.wrong(ctx, pool, base, mistakes[n%len(mistakes)], &wrong)
			}
		})
	}
	for i := range hostileClients {
		clients.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				name := hostilities[n%len(hostilities)]
				hostile.add(name)
				w.harass(ctx, name)
			}
		})
	}
	clients.Go(func() {
		wait(ctx, loadTime(t)/2)
		w.sim.Void(firstApp) // in the midst of it
	})
	clients.Wait()
	pool.CloseIdleConnections()
	t.Logf("%v: good requests by status %v, wrong ones %v, hostile ones %v", loadTime(t), good.n, wrong.n, hostile.n)
	if good.n["200"] < 100 || good.n["502"]+good.n["504"] == 0 {
		t.Errorf("statuses %v", good.n)
	}
	w.end(before)
}

// goodTarget is the nth request of a client: mostly results, some with photos.
func goodTarget(client, n int) (target, order string) {
	order = fmt.Sprintf("%s%dx%d", loadMark, client, n)
	switch n % 10 {
	case 0:
		return "/ocr/idcard/" + order + "?get_file=1", order
	case 1:
		order = "huge2x" + order
		return "/ocr/bankcard/" + order + "?get_file=1", order
	case 2:
		order = "huge3x" + order
		return "/ocr/bankcard/" + order + "/photos/originBankcardPhoto", order
	case 3:
		return bankPath + "?order_no=" + order + "&get_file=1", order
	}
	return "/ocr/bankcard/" + order, order
}

// mistake is a request that is refused.
type mistake struct {
	target, token string
	status        int
}

var mistakes = []mistake{
	{"/ocr/bankcard/stray-canary", aliceToken, 400},
	{"/ocr/bankcard/" + loadMark, "stray-canary-stray-canary", 401},
	{"/ocr/bankcard/" + loadMark + "?app_id=stray-canary", aliceToken, 400},
	{"/ocr/../" + loadMark, aliceToken, 404},
	{"/ocr/bankcard/a%2f" + loadMark, aliceToken, 400},
	{"/healthz", "stray-canary", 200},
	{bankPath + "?order_no=" + loadMark + "&order_no=" + loadMark, aliceToken, 400},
	{"/stray-canary", "", 401},
}

func (w *loadWorld) wrong(ctx context.Context, pool *http.Transport, base string, m mistake, c *counts) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+m.target, nil)
	if err != nil {
		w.t.Error(err)
		return
	}
	request.Header.Set("Authorization", "Bearer "+m.token)
	response, err := pool.RoundTrip(request)
	if err != nil {
		if ctx.Err() == nil {
			w.t.Errorf("%s: %T", m.target, err)
		}
		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if ctx.Err() != nil {
		return
	}
	c.add(fmt.Sprint(response.StatusCode))
	if response.StatusCode != m.status || err != nil {
		w.t.Errorf("%s: status %d, want %d, %v", m.target, response.StatusCode, m.status, err)
	}
	w.log.told(response.Header, body)
}

// hostilities are ways of being a nuisance with one connection.
var hostilities = []string{"slow headers", "huge headers", "never reads", "half a request", "pipelined", "noise", "slow body", "leaves early"}

// harass does one of them, for a second at most.
func (w *loadWorld) harass(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", w.web.Addr())
	if err != nil {
		if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
			w.t.Errorf("no connection: %v", err)
		}
		return
	}
	defer conn.Close()
	deadline := time.Now().Add(5 * time.Second) // none may fail for it: the machine may be busy
	_ = conn.SetDeadline(deadline)
	order := fmt.Sprintf("huge4x%sh%d", loadMark, rand.IntN(1e9))
	defer w.sent.Delete(order)
	head := "GET /ocr/bankcard/" + order + "?get_file=1 HTTP/1.1\r\n" + authorized
	switch name {
	case "slow headers":
		for i := 0; ctx.Err() == nil; i++ {
			_, _ = conn.Write([]byte{head[i%len(head)]})
			wait(ctx, 20*time.Millisecond)
		}
	case "huge headers":
		_, _ = io.WriteString(conn, head+"X-Large: "+strings.Repeat("stray-canary ", 20_000)+"\r\n\r\n")
		_, _ = io.CopyN(io.Discard, conn, 100)
	case "never reads":
		_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		_, _ = io.WriteString(conn, head+"\r\n")
		<-ctx.Done()
	case "half a request":
		_, _ = io.WriteString(conn, head[:len(head)/2])
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
	case "pipelined":
		w.pipeline(conn, deadline)
	case "noise":
		noise := make([]byte, 1<<16)
		for i := range noise {
			noise[i] = byte(rand.Uint32())
		}
		_, _ = conn.Write(noise)
		_, _ = io.CopyN(io.Discard, conn, 100)
	case "slow body":
		_, _ = io.WriteString(conn, head+"Content-Length: 100000\r\n\r\n")
		for ctx.Err() == nil {
			_, _ = conn.Write([]byte("x"))
			wait(ctx, 50*time.Millisecond)
		}
	case "leaves early":
		_, _ = io.WriteString(conn, head+"\r\n")
		wait(ctx, time.Duration(rand.IntN(20))*time.Millisecond)
	}
}

// pipeline sends many requests at once: the answers come in order.
func (w *loadWorld) pipeline(conn net.Conn, deadline time.Time) {
	const depth = 20
	var text strings.Builder
	for i := range depth {
		path := "/healthz"
		if i%2 == 1 {
			path = "/ocr/bankcard/stray-canary"
		}
		text.WriteString("GET " + path + " HTTP/1.1\r\n" + authorized + "\r\n")
	}
	_, _ = io.WriteString(conn, text.String())
	reader := bufio.NewReader(conn)
	for i := range depth {
		response, err := http.ReadResponse(reader, nil)
		if err != nil && time.Now().After(deadline) {
			return
		}
		if err != nil {
			w.t.Errorf("pipelined request %d: %T", i, err)
			return
		}
		_, _ = io.Copy(io.Discard, response.Body)
		if want := []int{200, 400}[i%2]; response.StatusCode != want {
			w.t.Errorf("pipelined request %d: status %d, want %d", i, response.StatusCode, want)
		}
	}
}

// TestNothingIsLeftBehind makes many requests of a function with a faulty upstream, and
// compares memory and descriptors in the course of it.
func TestNothingIsLeftBehind(t *testing.T) {
	requests := 5_000
	if os.Getenv("KYC_LOAD") != "" {
		requests = 100_000
	}
	for _, over := range faultTransports {
		t.Run(over.name, func(t *testing.T) {
			t.Parallel()
			n, clients := requests, 16
			if over.event {
				n, clients = requests/5, 1 // an instance has one at a time
			}
			w := openLoad(t, over)
			var c counts
			before, early := 0, 0
			for _, part := range []int{n / 5, n - n/5} {
				var busy sync.WaitGroup
				for i := range clients {
					busy.Go(func() {
						for k := range part / clients {
							target, order := goodTarget(i, 4+k%6) // no photos: their garbage hides what is sought
							w.ask(t.Context(), w.direct, "http://function"+target, order, &c)
						}
					})
				}
				busy.Wait()
				w.upstream.CloseClientConnections()
				if before == 0 {
					before, early = openFiles(t, w.process), peak(t, w.process)
				}
			}
			late := peak(t, w.process)
			t.Logf("%d requests by status %v; peak memory %d MB after a fifth, %d MB at the end", n, c.n, early>>20, late>>20)
			if late > early+early/4+4<<20 {
				t.Errorf("memory grew from %d to %d MB", early>>20, late>>20)
			}
			w.end(before)
		})
	}
}
