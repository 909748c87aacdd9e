package ticket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

// More bugs of other token caches, each a test named after it: those that take what the
// upstream says, so that its client is part of the test.

// wire answers the client's requests.
type wire func(*http.Request) (string, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := w(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// cache returns an instance that has its pairs over the wire.
func (w wire) cache() *ticket.Cache {
	base, _ := url.Parse("https://upstream.example")
	client := upstream.New(upstream.Config{BaseURL: base, Timeout: 5 * time.Second, Transport: w})
	app := secret.New(appSecret)
	return ticket.New(ticket.Config{
		Apps:     map[string]ticket.App{appID: {Issuer: client.Issuer(appID, app), Secret: app}},
		Schedule: schedule,
	})
}

const (
	goodToken  = `{"code":"0","access_token":"token","expire_in":"7200"}`
	goodTicket = `{"code":"0","tickets":[{"value":"ticket","expire_in":"3600"}]}`
)

func asksForToken(r *http.Request) bool { return r.URL.Path == "/api/oauth2/access_token" }

// silenceper 805: an empty string cached as a token.
func TestSilenceper805EmptyStringIsNoCredential(t *testing.T) {
	for _, test := range []struct{ token, ticket string }{
		{`{"code":"0","access_token":"","expire_in":"7200"}`, goodTicket},
		{goodToken, `{"code":"0","tickets":[{"value":"","expire_in":"3600"}]}`},
	} {
		synctest.Test(t, func(t *testing.T) {
			good := false
			c := wire(func(r *http.Request) (string, error) {
				token, ticket := test.token, test.ticket
				if good {
					token, ticket = goodToken, goodTicket
				}
				if asksForToken(r) {
					return token, nil
				}
				return ticket, nil
			}).cache()
			p, renewal, err := c.Get(t.Context(), appID)
			renewal.Wait()
			if err == nil {
				t.Errorf("a pair with the ticket %q", p.Ticket.Reveal())
			}
			good = true
			time.Sleep(schedule.Overlap)
			if p := get(t, c); p.Ticket.Reveal() != "ticket" {
				t.Errorf("then the ticket %q", p.Ticket.Reveal())
			}
		})
	}
}

// expire_in 0, negative, huge, a string or a number: a pair is renewed at its age, and
// neither at every request nor never.
func TestExpireInOfEveryShape(t *testing.T) {
	for _, in := range []string{`7200`, `"7200"`, `0`, `"0"`, `-1`, `"-7200"`, `99999999999999999999`, `"1e400"`, `null`, `""`, `{}`} {
		synctest.Test(t, func(t *testing.T) {
			tokens := 0
			c := wire(func(r *http.Request) (string, error) {
				if asksForToken(r) {
					tokens++
					return fmt.Sprintf(`{"code":"0","access_token":"token%d","expire_in":%s}`, tokens, in), nil
				}
				return fmt.Sprintf(`{"code":"0","tickets":[{"value":"ticket%d","expire_in":%s}]}`, tokens, in), nil
			}).cache()
			for range 41 {
				get(t, c)
				time.Sleep(time.Minute)
			}
			if tokens != 3 {
				t.Errorf("expire_in %s: %d tokens in 41 minutes, want 3", in, tokens)
			}
		})
	}
}

// Envoy 42009: 200 with an empty body taken as final. The ticket call is repeated at once;
// a token may have been issued, so that the next request asks for another.
func TestEnvoy42009EmptyAnswerIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := map[string]int{}
		c := wire(func(r *http.Request) (string, error) {
			if asked[r.URL.Path]++; asked[r.URL.Path] == 1 {
				return "", nil
			}
			if asksForToken(r) {
				return goodToken, nil
			}
			return goodTicket, nil
		}).cache()
		if _, renewal, err := c.Get(t.Context(), appID); err == nil || asked["/api/oauth2/access_token"] != 1 {
			t.Errorf("after an empty answer: %v, %v", err, asked)
		} else {
			renewal.Wait()
		}
		time.Sleep(2 * time.Second)
		get(t, c)
		for path, n := range asked {
			if n != 2 {
				t.Errorf("%s was asked for %d times", path, n)
			}
		}
	})
}

// aws-sigv4-proxy: error text with the full URL sent to the caller.
func TestAWSSigV4ProxyErrorsHaveNoURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := wire(func(r *http.Request) (string, error) {
			return "", &url.Error{Op: "Get", URL: r.URL.String(), Err: errors.New("dial " + r.URL.Host + ": refused")}
		}).cache()
		_, renewal, err := c.Get(t.Context(), appID)
		renewal.Wait()
		var failure *ticket.Failure
		if !errors.As(err, &failure) {
			t.Fatalf("got %v", err)
		}
		for _, leak := range []string{appSecret, url.QueryEscape(appSecret), "upstream.example", "oauth2", "?"} {
			if strings.Contains(err.Error(), leak) || strings.Contains(failure.Reason, leak) {
				t.Errorf("%q, with the reason %q, has %q in it", err, failure.Reason, leak)
			}
		}
	})
}

// aws-sigv4-proxy: a shared signer mutated per request. The simulator recomputes every
// sign, and refuses a nonce that it has seen.
func TestAWSSigV4ProxyManySignAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t.Context(), 1)
		one := f.start(0)
		var all sync.WaitGroup
		for n := range 300 {
			all.Go(func() { one.query(fmt.Sprintf("order%d", n)) })
		}
		all.Wait()
		f.check(t, func(string) bool { return false })
		if counts := f.upstream.Counts(appID); f.queries != 300 || counts.Rejected != 0 || counts.Tokens != 1 {
			t.Errorf("%d queries, %+v", f.queries, counts)
		}
	})
}

// pairing is the way to a store, of whose records each has a ticket of its own token.
type pairing struct {
	ticket.Store
	t    *testing.T
	seen map[string]bool
}

func (p *pairing) Swap(ctx context.Context, app string, version uint64, data []byte) (bool, error) {
	s := ticket.Open(appID, "canary-secret", ticket.Value{Version: version + 1, Data: data})
	if s.Ticket != "" && s.Ticket != "canary-ticket-of-"+s.Token {
		p.t.Errorf("stored: ticket %s with token %s", s.Ticket, s.Token)
	}
	p.seen[s.Token] = true
	return p.Store.Swap(ctx, app, version, data)
}

// A client of this API: token and ticket in two keys that drift apart. Here the ticket
// call fails every other time.
func TestTokenAndTicketAreOneUnit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &pairing{&ticket.Memory{}, t, map[string]bool{}}
		d := &fakeIssuer{}
		a, b := d.cache(store), d.cache(store)
		for n := range 200 {
			d.set(func(d *fakeIssuer) {
				if d.failTicket = nil; n%2 == 1 {
					d.failTicket = errors.New("no ticket")
				}
			})
			for _, c := range []*ticket.Cache{a, b} {
				_, renewal, _ := c.Get(t.Context(), appID)
				renewal.Wait()
			}
			time.Sleep(7 * time.Minute)
		}
		if len(store.seen) < 50 {
			t.Errorf("only %d pairs were stored", len(store.seen))
		}
	})
}
