package upstream

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/signer"
)

// The documented lives of a token and a ticket.
const (
	tokenLife  = 7200 * time.Second
	ticketLife = 3600 * time.Second
)

// credentialLimit bounds the answers of the two credential calls, which have
// some hundred bytes.
const credentialLimit = 64 << 10

// AccessToken fetches a new access token of appID. From then on the previous one
// has one more minute, and a second one within that minute may end it at once: the call
// is repeated only where nothing was sent. Errors are *Error; Lost tells of one whether a
// token may have been issued.
func (c *Client) AccessToken(ctx context.Context, appID string, appSecret secret.Text) (secret.Credential, error) {
	var reply struct {
		Token string          `json:"access_token"`
		Life  json.RawMessage `json:"expire_in"`
	}
	err := c.credential(ctx, &reply, call{
		step: "access token",
		path: "/api/oauth2/access_token",
		sent: new(atomic.Bool),
		query: func() string {
			return "app_id=" + url.QueryEscape(appID) + "&secret=" + url.QueryEscape(appSecret.Reveal()) +
				"&grant_type=client_credential&version=" + signer.Version
		},
	})
	if err != nil {
		return secret.Credential{}, err
	}
	if reply.Token == "" {
		return secret.Credential{}, &Error{Step: "access token", Reason: Refused, Code: "0", Detail: " without a token"}
	}
	return secret.Credential{Value: secret.New(reply.Token), Life: life(reply.Life, tokenLife)}, nil
}

// SignTicket fetches the SIGN ticket that goes with token and dies with it.
// Errors are *Error.
func (c *Client) SignTicket(ctx context.Context, appID string, token secret.Text) (secret.Credential, error) {
	var reply struct {
		Tickets []struct {
			Value string          `json:"value"`
			Life  json.RawMessage `json:"expire_in"`
		} `json:"tickets"`
	}
	err := c.credential(ctx, &reply, call{
		step: "SIGN ticket",
		path: "/api/oauth2/api_ticket",
		query: func() string {
			return "app_id=" + url.QueryEscape(appID) + "&access_token=" + url.QueryEscape(token.Reveal()) +
				"&type=SIGN&version=" + signer.Version
		},
	})
	if err != nil {
		return secret.Credential{}, err
	}
	if len(reply.Tickets) == 0 || reply.Tickets[0].Value == "" {
		return secret.Credential{}, &Error{Step: "SIGN ticket", Reason: Refused, Code: "0", Detail: " without a ticket"}
	}
	ticket := reply.Tickets[0]
	return secret.Credential{Value: secret.New(ticket.Value), Life: life(ticket.Life, ticketLife)}, nil
}

// Issuer issues the credentials of one app.
type Issuer struct {
	client    *Client
	appID     string
	appSecret secret.Text
}

// Issuer returns the issuer of an app's credentials.
func (c *Client) Issuer(appID string, appSecret secret.Text) Issuer {
	return Issuer{c, appID, appSecret}
}

// Token is AccessToken of the app.
func (i Issuer) Token(ctx context.Context) (secret.Credential, error) {
	return i.client.AccessToken(ctx, i.appID, i.appSecret)
}

// Ticket is SignTicket of the app.
func (i Issuer) Ticket(ctx context.Context, token secret.Text) (secret.Credential, error) {
	return i.client.SignTicket(ctx, i.appID, token)
}

// credential makes a call whose answer, with code 0, is decoded into reply.
func (c *Client) credential(ctx context.Context, reply any, k call) error {
	k.limit = credentialLimit
	answer, err := c.do(ctx, k)
	if err != nil {
		var e *Error
		if errors.As(err, &e) && e.Reason == TooLarge {
			e.Reason = BadResponse // not an answer of the kind that has photos to ask for one by one
		}
		return err
	}
	// An answer with a code other than 0 issued nothing, as far as that is known.
	failed := Error{Step: k.step, Attempts: answer.Attempts, Elapsed: answer.Elapsed}
	if answer.Class != Success {
		failed.Reason, failed.Class, failed.Code = Refused, answer.Class, answer.Code
		return &failed
	}
	if json.Unmarshal(answer.Body, reply) != nil {
		failed.Reason, failed.Detail = BadResponse, "fields of another type than documented"
		return &failed
	}
	return nil
}

// life reads expire_in, in seconds: an int in the documents, a string in their
// examples. A value that makes no sense counts as the documented life; the age at
// which pairs are renewed is far below it.
func life(raw json.RawMessage, documented time.Duration) time.Duration {
	seconds, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil || !(seconds > 0) || seconds > documented.Seconds() {
		return documented
	}
	return time.Duration(seconds * float64(time.Second))
}

// Query asks for one OCR result.
type Query struct {
	Type       Type
	AppID      string
	OrderNo    string // letters and digits, at most 32
	WithPhotos bool
	WithNative bool // ID card only
	Ticket     secret.Text
	Limit      int    // bytes of the answer
	Room       int    // bytes to leave free in front of the answer, for who extends it in place, and wants its Marks
	Memory     Memory // for the answer; nil: the heap
}

// Result asks for an OCR result. Any JSON with a code is an Answer, whatever the
// code; errors are *Error.
func (c *Client) Result(ctx context.Context, q Query) (*Answer, error) {
	return c.do(ctx, call{
		step:   "result",
		path:   types[q.Type].path,
		query:  q.sign,
		limit:  q.Limit,
		room:   q.Room,
		memory: q.Memory,
	})
}

// sign makes the signed query string. get_file and get_native are not signed
// (document 1007, OCR result).
func (q *Query) sign() string {
	nonce := signer.Nonce()
	photos, native := "", ""
	if q.WithPhotos {
		photos = "&get_file=1"
	}
	if q.WithNative && q.Type == IDCard {
		native = "&get_native=1"
	}
	return "app_id=" + q.AppID + "&order_no=" + q.OrderNo + "&nonce=" + nonce + "&version=" + signer.Version +
		"&sign=" + signer.Sign(q.AppID, q.OrderNo, signer.Version, nonce, q.Ticket.Reveal()) + photos + native
}
