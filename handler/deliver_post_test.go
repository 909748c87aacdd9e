package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kyc-ocr-relay/internal/delivery"
	"kyc-ocr-relay/internal/pipetest"
	"kyc-ocr-relay/internal/relay"
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

// post is a function that delivers into a folder, in a bubble.
type post struct {
	*Handler
	sim *simulator.Simulator
	dir string
	log *pipetest.Log
}

func newPost(t *testing.T, sim simulator.Config) *post {
	t.Helper()
	sim.Apps = map[string]string{"IDA1": "secret"}
	p := &post{sim: simulator.New(sim), dir: t.TempDir(), log: &pipetest.Log{}}
	w := pipetest.New()
	server := &http.Server{Handler: p.sim}
	go server.Serve(w)
	client := upstream.New(upstream.Config{BaseURL: &url.URL{Scheme: "http", Host: "upstream"}, Timeout: 5 * time.Second, Dial: w.Dial})
	sinks, err := delivery.Open(delivery.Config{To: []secret.Text{secret.New("file://" + filepath.ToSlash(p.dir))}})
	if err != nil {
		t.Fatal(err)
	}
	log := p.log.Logger()
	r := relay.New(relay.Config{
		Apps: []string{"IDA1", "IDA2"}, DefaultApp: "IDA1", NoAuth: true,
		Upstream: client,
		Tickets: ticket.New(ticket.Config{
			Apps:     map[string]ticket.App{"IDA1": {Issuer: &minter{sim: p.sim}}},
			Schedule: ticket.Schedule{Refresh: 20 * time.Minute, Overlap: time.Minute},
		}),
		Delivery: sinks,
		Log:      log,
	})
	p.Handler = handlerOf(func(context.Context) (*relay.Relay, error) { return r, nil }, log)
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
func (p *post) deliver(t *testing.T, event string) (delivery.Report, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	answer, err := p.Invoke(ctx, "", []byte(event))
	var d delivery.Report
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
