// Command demo shows the function at work without a cloud account: it starts a
// simulated upstream and the local runtime, runs the built function as an event
// function and as a Web function, and prints what a caller sees.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/scripts/internal/command"
)

var usage = command.Usage{
	Name: "demo",
	Does: "Builds the function and runs it before a simulated upstream, without a cloud account: prints what a caller sees or, with -serve, shows it in a browser.",
	Example: `go run ./scripts/demo -serve
go run ./scripts/demo -serve -listen 127.0.0.1:8080`,
}

// anyPort is an address of this machine with a port that is free.
const anyPort = "127.0.0.1:0"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	os.Exit(usage.Report(err, command.NewScreen(os.Stderr)))
}

func run(ctx context.Context, args []string) error {
	flags := new(flag.FlagSet)
	serves := flags.Bool("serve", false, "keep everything up, for a browser and for curl")
	listen := flags.String("listen", anyPort, "with -serve, the loopback `address` of the page; port 0 is any that is free")
	verbose := flags.Bool("log", false, "print the function's log, too")
	if _, err := usage.Parse(flags, args, os.Stdout); err != nil {
		return err
	}
	if !*serves && *listen != anyPort {
		return command.Misuse("-listen is for -serve alone")
	}
	if err := command.InProject(); err != nil {
		return err
	}
	var log io.Writer = io.Discard
	if *verbose {
		log = os.Stdout
	}
	if *serves {
		return servePage(ctx, *listen, log)
	}
	d, err := start(ctx, log)
	if err != nil {
		return err
	}
	defer d.close()
	return d.show(ctx)
}

// servePage serves the page until ctx ends.
func servePage(ctx context.Context, listen string, log io.Writer) error {
	listener, err := listenHere(ctx, listen) // first: a build is too long to wait for a busy port
	if err != nil {
		return err
	}
	defer listener.Close()
	d, err := start(ctx, log)
	if err != nil {
		return err
	}
	defer d.close()
	url, end := serve(listener, d.page())
	defer end()
	fmt.Printf("\nOpen this page in a browser:\n\n  %s\n", url)
	fmt.Println("\nUp until Ctrl-C. By curl, in another terminal:")
	d.event.curl()
	d.web.curl()
	fmt.Println("\nThe whole flow by curl is in docs/flow.md. What the simulated upstream answers depends on how the order number begins:")
	for _, s := range simulator.Scenarios() {
		fmt.Printf("  %-12s %s\n", s.Prefix, s.What)
	}
	<-ctx.Done()
	return nil
}

// show makes the requests of the demo, through both kinds of function.
func (d *demo) show(ctx context.Context) error {
	steps := []error{d.event.show(ctx)}
	if d.archive != "" {
		steps = append(steps, deliver(ctx, d.event, d.archive, &d.inbox))
	}
	if err := errors.Join(append(steps, d.web.show(ctx))...); err != nil {
		return fmt.Errorf("something was not as it should be: %w", err)
	}
	return nil
}

func (s *side) curl() {
	auth := fmt.Sprintf("-H 'Authorization: Bearer %s'", token)
	fmt.Printf("\n# %s\n", s.name)
	for _, path := range []string{"/ocr/bankcard/order1", "/ocr/idcard/order2?get_file=1", "/ocr/bankcard/notfound1", "/api/server/getBankCardOcrResult?order_no=order1"} {
		fmt.Printf("curl -si %s '%s%s'\n", auth, s.url, path)
	}
	fmt.Printf("curl -s  %s -o card.jpg '%s/ocr/bankcard/order1/photos/bankcardCropPhoto'\n", auth, s.url)
	fmt.Printf("curl -s  %s -d '{\"user_id\":\"user1\",\"order_no\":\"ocr1\"}' '%s/start/ocr'\n", auth, s.url)
	fmt.Printf("curl -si %s '%s/face/order3'\n", auth, s.url)
	fmt.Printf("curl -s  %s -o face.mp4 '%s/face/order3/video'\n", auth, s.url)
	fmt.Printf("curl -si '%s/healthz'\n", s.url)
}

// minted says how many tokens were minted, and checks that it is one an app.
func (s *side) minted() error {
	var counts []string
	var err error
	for _, app := range appIDs {
		n := s.upstream.Counts(app).Tokens
		counts = append(counts, fmt.Sprintf("%s: %d", app, n))
		if n != 1 {
			err = fmt.Errorf("%d tokens were minted for %s", n, app)
		}
	}
	fmt.Printf("\ntokens minted   %s\n", strings.Join(counts, ", "))
	if broken := s.upstream.Violations(); len(broken) > 0 {
		err = fmt.Errorf("the upstream's rules were broken: %s", strings.Join(broken, "; "))
	}
	return err
}
