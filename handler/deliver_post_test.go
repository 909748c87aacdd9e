package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kyc-ocr-relay/internal/delivery"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

// minter has the simulator mint the pairs, without calls.
type minter struct {
	sim    *simulator.Simulator
	ticket string
}

func (m *minter) Token(context.Context) (secret.Credential, error) {
	var token string
	token, m.ticket = m.sim.Mint("IDA1")
	return secret.Credential{Value: secret.New(token), Life: 2 * time.Hour}, nil
}

func (m *minter) Ticket(context.Context, secret.Text) (secret.Credential, error) {
	return secret.Credential{Value: secret.New(m.ticket), Life: time.Hour}, nil
}

// wire is a network without a kernel: its time is the bubble's.
type wire struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.done:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error   { w.once.Do(func() { close(w.done) }); return nil }
func (w *wire) Addr() net.Addr { return &net.TCPAddr{} }

func (w *wire) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case w.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// post is a function that delivers into a folder, in a bubble.
type post struct {
	*Handler
	sim *simulator.Simulator
	dir string
	log *lines
}

func newPost(t *testing.T, sim simulator.Config) *post {
	t.Helper()
	sim.Apps = map[string]string{"IDA1": "secret"}
	p := &post{sim: simulator.New(sim), dir: t.TempDir(), log: &lines{}}
	w := &wire{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: p.sim}
	go server.Serve(w)
	client := upstream.New(upstream.Config{BaseURL: &url.URL{Scheme: "http", Host: "upstream"}, Timeout: 5 * time.Second, Dial: w.dial})
	sinks, err := delivery.Open(delivery.Config{To: []secret.Text{secret.New("file://" + filepath.ToSlash(p.dir))}})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(p.log, nil))
	relay := New(Config{
		Apps: []string{"IDA1", "IDA2"}, DefaultApp: "IDA1", NoAuth: true,
		Upstream: client,
		Tickets: ticket.New(ticket.Config{
			Apps:     map[string]ticket.App{"IDA1": {Issuer: &minter{sim: p.sim}}},
			Schedule: ticket.Schedule{Refresh: 20 * time.Minute, Overlap: time.Minute},
		}),
		Delivery: sinks,
		Log:      log,
	})
	p.Handler = NewHandler(func(context.Context) (*Relay, error) { return relay, nil }, log)
	t.Cleanup(func() {
		client.Close()
		server.Close()
		for _, v := range p.sim.Violations() {
			t.Error(v)
		}
	})
	return p
}

// ckafka makes messages the records of an event.
func ckafka(messages ...string) string {
	var records []string
	for i, m := range messages {
		body, _ := json.Marshal(m)
		records = append(records, fmt.Sprintf(`{"Ckafka":{"topic":"ocr","partition":1,"offset":%d,"msgKey":"None","msgBody":%s}}`, i, body))
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

func bankcard(order string) string { return `{"type":"bankcard","order_no":"` + order + `"}` }

// deliver invokes with a deadline of half a minute.
func (p *post) deliver(t *testing.T, event string) (deliveries, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	answer, err := p.Invoke(ctx, "", []byte(event))
	var d deliveries
	if err == nil {
		err = json.Unmarshal(answer, &d)
	}
	return d, err
}

// holds reports what is missing of a delivered order: a photo that is not as the
// simulator had it, or anything that is too much.
func (p *post) holds(typ, order string) error {
	dir := filepath.Join(p.dir, "IDA1", typ, order)
	if _, err := os.Stat(filepath.Join(dir, "result.json")); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	photos := p.sim.Photos(typ, order)
	if len(entries) != len(photos)+1 {
		return fmt.Errorf("%d files and %d photos, %v", len(entries), len(photos), err)
	}
	for field, want := range photos {
		if got, err := os.ReadFile(filepath.Join(dir, field+".jpg")); err != nil || string(got) != string(want) {
			return fmt.Errorf("%s: %d bytes for %d, %v", field, len(got), len(want), err)
		}
	}
	return nil
}
