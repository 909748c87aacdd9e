package upstream

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/signer"
)

// The documented lives of a token and the tickets.
const (
	tokenLife  = 7200 * time.Second
	ticketLife = 3600 * time.Second // SIGN
	nonceLife  = 120 * time.Second
)

// AccessToken fetches a new access token of appID. From then on the previous one
// has one more minute, and a second one within that minute may end it at once: the call
// is repeated only where nothing was sent. Errors are *Error; Lost tells of one whether a
// token may have been issued.
func (c *Client) AccessToken(ctx context.Context, appID string, appSecret secret.Text) (secret.Credential, error) {
	var reply struct {
		Token string          `json:"access_token"`
		Life  json.RawMessage `json:"expire_in"`
	}
	err := c.credential(ctx, &reply, "access token", accessToken, func() string {
		return "app_id=" + url.QueryEscape(appID) + "&secret=" + url.QueryEscape(appSecret.Reveal()) +
			"&grant_type=client_credential&version=" + signer.Version
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
	return c.ticket(ctx, "SIGN ticket", appID, token, "&type=SIGN", ticketLife)
}

// NonceTicket fetches a NONCE ticket: the user of that id can start the vendor's client with
// it once, within its life of two minutes and that of token. It is fetched for every start,
// never kept and never handed out. Errors are *Error; one that is Rejected means the token.
func (c *Client) NonceTicket(ctx context.Context, appID string, token secret.Text, userID string) (secret.Credential, error) {
	return c.ticket(ctx, "NONCE ticket", appID, token, "&type=NONCE&user_id="+url.QueryEscape(userID), nonceLife)
}

func (c *Client) ticket(ctx context.Context, step, appID string, token secret.Text, kind string, documented time.Duration) (secret.Credential, error) {
	var reply struct {
		Tickets []struct {
			Value string          `json:"value"`
			Life  json.RawMessage `json:"expire_in"`
		} `json:"tickets"`
	}
	err := c.credential(ctx, &reply, step, apiTicket, func() string {
		return "app_id=" + url.QueryEscape(appID) + "&access_token=" + url.QueryEscape(token.Reveal()) + kind + "&version=" + signer.Version
	})
	if err != nil {
		return secret.Credential{}, err
	}
	if len(reply.Tickets) == 0 || reply.Tickets[0].Value == "" {
		return secret.Credential{}, &Error{Step: step, Reason: Refused, Code: "0", Detail: " without a ticket"}
	}
	ticket := reply.Tickets[0]
	return secret.Credential{Value: secret.New(ticket.Value), Life: life(ticket.Life, documented)}, nil
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
func (c *Client) credential(ctx context.Context, reply any, step string, call Call, query func() string) error {
	k := &round{row: call.row(), path: call.Path(), query: query, limit: call.Limit()}
	k.step = step
	answer, err := c.do(ctx, k)
	if err != nil {
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
