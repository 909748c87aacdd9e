package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/upstream"
	"kyc-ocr-relay/signer"
)

// tap notes the result queries as they leave: the client makes nonce and sign anew for
// every attempt, and shows them to nobody.
type tap struct {
	path string // of the result query

	mu   sync.Mutex
	sent []sent
}

// sent is one query as it was sent.
type sent struct {
	at     time.Time
	values url.Values
}

// newTap has the client write to the tap, which speaks TLS in its place where the
// upstream wants that, with the same checks.
func newTap(c *upstream.Config, path string) *tap {
	t := &tap{path: c.BaseURL.Path + path}
	var dialer interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	} = &net.Dialer{Timeout: c.Timeout}
	port := "80"
	if c.BaseURL.Scheme == "https" {
		port = "443"
		dialer = &tls.Dialer{NetDialer: &net.Dialer{Timeout: c.Timeout}, Config: &tls.Config{ServerName: c.BaseURL.Hostname(), MinVersion: tls.VersionTLS12}}
	}
	if p := c.BaseURL.Port(); p != "" {
		port = p
	}
	address := net.JoinHostPort(c.BaseURL.Hostname(), port)
	plain := *c.BaseURL
	plain.Scheme = "http"
	c.BaseURL = &plain
	c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &tapped{Conn: conn, tap: t}, nil
	}
	return t
}

// tapped is a connection that the client writes requests to, one after another.
type tapped struct {
	net.Conn
	tap   *tap
	begun []byte // of a request that is not whole
}

// Write notes the request that ends in b.
func (c *tapped) Write(b []byte) (int, error) {
	c.begun = append(c.begun, b...)
	if request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(c.begun))); err == nil {
		if body, err := io.ReadAll(request.Body); err == nil {
			c.tap.note(request.URL, body)
			c.begun = nil
		}
	}
	return c.Conn.Write(b)
}

// note notes the values of a query: parameters of a GET, members of a POST.
func (t *tap) note(u *url.URL, body []byte) {
	if u.Path != t.path {
		return
	}
	values := u.Query()
	var members map[string]string
	if json.Unmarshal(body, &members) == nil {
		for name, value := range members {
			values.Set(name, value)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent = append(t.sent, sent{time.Now(), values})
}

// explain shows how each query that was sent had been signed.
func (k *core) explain(w io.Writer) {
	k.tap.mu.Lock()
	defer k.tap.mu.Unlock()
	if len(k.tap.sent) == 0 {
		fmt.Fprintln(w, "no query was sent, so that nothing was signed")
	}
	for i, s := range k.tap.sent {
		fmt.Fprintf(w, "query %d of %d, sent %s to %s\n", i+1, len(k.tap.sent), s.at.UTC().Format("2006-01-02 15:04:05.000 UTC"), k.call.Path())
		s.explain(w, k.tickets)
	}
}

func (s sent) explain(w io.Writer, tickets []secret.Text) {
	names := []string{"app_id", "order_no", "version", "nonce"}
	if s.values.Has("appId") {
		names = []string{"appId", "orderNo", "version", "nonce"}
	}
	var values []string
	named := map[string]string{}
	for _, name := range names {
		values = append(values, s.values.Get(name))
		named[s.values.Get(name)] = name
	}
	sign := s.values.Get("sign")
	at := slices.IndexFunc(tickets, func(t secret.Text) bool {
		return signer.Sign(append(slices.Clone(values), t.Reveal())...) == sign
	})
	if at < 0 {
		fmt.Fprintln(w, "  NONE of the tickets known here gives the sign that was sent: that is a bug of this program")
		return
	}
	ticket := tickets[at].Reveal()
	sorted := append(values, ticket)
	slices.Sort(sorted)
	var joined strings.Builder
	fmt.Fprintln(w, "  the values, sorted as byte strings:")
	for _, v := range sorted {
		name := named[v]
		if v == ticket && name == "" {
			name, v = "SIGN ticket", mask(ticket)
		}
		fmt.Fprintf(w, "    %-34s %s\n", v, name)
		joined.WriteString(v)
	}
	fmt.Fprintf(w, "  joined  %s\n  nonce   %s\n  sign    %s (SHA-1 of the joined values, in upper-case hex)\n", joined.String(), s.values.Get("nonce"), sign)
}

// mask shows of a secret what tells it from another, and its length.
func mask(text string) string {
	const shown = 4
	if len(text) < 4*shown {
		return fmt.Sprintf("[%d characters]", len(text))
	}
	return fmt.Sprintf("%s…[%d characters]", text[:shown], len(text))
}
