package ticket_test

import (
	"context"
	"fmt"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/ticket"
)

// numbered is an issuer that numbers its tokens. Only the newest is valid.
type numbered struct{ tokens int }

func (n *numbered) Token(context.Context) (secret.Credential, error) {
	n.tokens++
	return secret.Credential{Value: secret.New(fmt.Sprint("token ", n.tokens)), Life: 2 * time.Hour}, nil
}

func (n *numbered) Ticket(_ context.Context, token secret.Text) (secret.Credential, error) {
	return secret.Credential{Value: secret.New("ticket of " + token.Reveal()), Life: time.Hour}, nil
}

func (n *numbered) rejects(p *ticket.Pair) bool {
	return p.Token.Reveal() != fmt.Sprint("token ", n.tokens)
}

func ExampleCache() {
	ctx, issuer := context.Background(), &numbered{}
	cache := ticket.New(ticket.Config{
		Apps:     map[string]ticket.App{"IDA00001": {Issuer: issuer, Secret: secret.New("the app's secret")}},
		Schedule: ticket.Schedule{Refresh: 20 * time.Minute, Overlap: time.Minute},
	})
	ask := func(p *ticket.Pair) (rejected bool, err error) {
		rejected = issuer.rejects(p) // instead of a query, signed with p.Ticket.Reveal()
		fmt.Printf("asked with %q, printed %v: rejected %t\n", p.Ticket.Reveal(), p.Ticket, rejected)
		return rejected, nil
	}
	for range 2 {
		outcome, err := cache.Do(ctx, "IDA00001", ask)
		fmt.Println(outcome, err)
		issuer.tokens++ // another server fetches a token: the pair is void
	}

	// What the vendor signed before that can still be checked.
	found, err := cache.Match(ctx, "IDA00001", func(_, t secret.Text) bool { return t.Reveal() == "ticket of token 1" })
	fmt.Println(found, err)
	// Output:
	// asked with "ticket of token 1", printed [redacted]: rejected false
	// absent <nil>
	// asked with "ticket of token 1", printed [redacted]: rejected true
	// asked with "ticket of token 3", printed [redacted]: rejected false
	// renewed <nil>
	// true <nil>
}
