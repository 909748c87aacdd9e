// Command query asks for one result of an OCR or a face verification from a laptop, with
// the function's own core and its variables: to see an answer, to save photos and video, or
// to settle with the vendor's support why a signature is refused.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"kyc-ocr-relay/internal/order"
	"kyc-ocr-relay/internal/upstream"
	"kyc-ocr-relay/scripts/internal/command"
)

var usage = command.Usage{
	Name:  "query",
	Words: []string{"TYPE", "ORDER"},
	Does:  "Asks for one result, of a bankcard, an idcard or a face, with the function's own core and variables, and prints the upstream's JSON.",
	Notes: `
TYPE is bankcard, idcard or face; of a face verification the verdict is the JSON's
code: 0 is a living person, and the one that was named. The variables (KYC_APP_ID,
KYC_SECRET, …) come from the environment; those of a .env file by: set -a; . ./.env

WARNING: unless TICKET_STORE is the store that the function shares, this command has
a token and a ticket issued of its own, and the upstream voids those of the function
a minute later. The function notices and renews; still, do not run this in a loop.`,
	Example: "KYC_APP_ID=IDAXXXXX KYC_SECRET=… go run ./scripts/query bankcard order1 -photos ./out",
}

// timeLimit is the function's own: a renewal and a query with all their attempts fit.
const timeLimit = 30 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(usage.Report(err, command.NewScreen(os.Stderr)))
}

// options is the command line.
type options struct {
	typ     upstream.Type
	order   string
	app     string
	photos  string // a folder, "" for none
	product upstream.Product
	native  bool
	explain bool
}

func parse(args []string, stdout io.Writer) (o options, err error) {
	flags := new(flag.FlagSet)
	flags.StringVar(&o.app, "app", "", "the app `id`, where several are configured")
	flags.StringVar(&o.photos, "photos", "", "ask for photos and video, too, and write them into this `folder`; the JSON then names the files")
	flags.StringVar((*string)(&o.product), "product", "", "face: the `product` will, 意愿核身, has a query of its own")
	flags.BoolVar(&o.native, "native", false, "ID card: ask for what get_native=1 adds")
	flags.BoolVar(&o.explain, "explain", false, "show on stderr what was signed and how, the ticket masked")
	words, err := usage.Parse(flags, args, stdout)
	if err != nil {
		return o, err
	}
	o.typ, o.order = upstream.Type(words[0]), words[1]
	if err := command.OneOf("TYPE", words[0], "bankcard", "idcard", "face"); err != nil {
		return o, err
	}
	switch {
	case !order.IsNo(o.order):
		return o, command.Misuse("ORDER must be 1 to 32 letters and digits")
	case o.native && o.typ != upstream.IDCard:
		return o, command.Misuse("-native is for idcard alone")
	case o.product != "" && (o.typ != upstream.Face || o.product != upstream.Will):
		return o, command.Misuse("-product is for face alone, and can be will")
	}
	return o, nil
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	if err := command.Folder("-photos", o.photos); err != nil { // told before a token is issued
		return err
	}
	core, err := open(o, getenv, stderr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	answer, err := core.ask(ctx)
	if core.minted > 0 {
		fmt.Fprintln(stderr, "a new token and ticket were issued: those that other servers of this app hold die within a minute")
	}
	if o.explain {
		core.explain(stderr)
	}
	if err != nil {
		return describe(err)
	}
	body := answer.Body
	if o.photos != "" {
		if body, err = savePhotos(answer, o.typ, o.photos, stderr); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(stdout, "%s\n", bytes.TrimSpace(body)); err != nil {
		return err
	}
	return judge(answer)
}

// judge is what the answer's code means where it is no result.
func judge(answer *upstream.Answer) error {
	meaning := ""
	switch answer.Class {
	case upstream.Success, upstream.Business:
		return nil
	case upstream.NotFound:
		meaning = "no result for this order: not existing, not finished and purged look alike"
	case upstream.BadRequest:
		meaning = "a parameter was refused"
	case upstream.Rejected:
		meaning = "token, ticket or sign was refused, and a new ticket did not help; -explain shows what was signed, for the vendor's support"
	case upstream.Permanent:
		meaning = "refused: check KYC_APP_ID and KYC_SECRET (or the entry in KYC_APPS), and what the app may do"
	case upstream.Throttled:
		meaning = "too many requests: wait some seconds"
	case upstream.Transient:
		meaning = fmt.Sprintf("the upstream failed %d times: try again", answer.Attempts)
	}
	return fmt.Errorf("the upstream answered code %s: %s", answer.Code, meaning)
}

// describe adds to an error what to do about it.
func describe(err error) error {
	var call *upstream.Error
	switch {
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	case !errors.As(err, &call):
		return err
	case call.Reason == upstream.Canceled:
		return errors.New("interrupted")
	case call.Reason == upstream.Refused && call.Class == upstream.Permanent:
		return command.Remedy(call, "check KYC_APP_ID and KYC_SECRET (or the entry in KYC_APPS)")
	case call.Reason == upstream.Unreachable:
		return command.Remedy(call, "check the network and KYC_BASE_URL; go run ./scripts/deploy -check tells how far this machine gets")
	case call.Reason == upstream.TimedOut:
		return command.Remedy(call, "check the network, or give it longer: KYC_TIMEOUT=20s go run ./scripts/query …")
	}
	return call
}
