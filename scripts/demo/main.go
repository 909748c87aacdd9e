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
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/simulator"
)

const token = "demo-token-0123456789"

// The apps of the demo: the default one, and one that requests have to name.
var apps = map[string]string{"IDAdemo1": "demo-secret-1", "IDAdemo2": "demo-secret-2"}

func main() {
	serve := flag.Bool("serve", false, "keep everything up, for curl")
	verbose := flag.Bool("log", false, "print the function's log, too")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *serve, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, serve, verbose bool) error {
	dir, err := os.MkdirTemp("", "kyc-ocr-relay-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "main")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	fmt.Println("building the function …")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, ".") // #nosec G204 -- into a folder of our own
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build, to be run in the project's folder: %w\n%s", err, out)
	}
	var log io.Writer
	if verbose {
		log = os.Stdout
	}

	archive := filepath.Join(dir, "archive")
	event, err := startSide(ctx, "event function", func(c gateway.Config) (function, error) {
		if runtime.GOOS != "windows" {
			c.Env["DELIVER_TO"] = "file://" + archive
		}
		return gateway.StartEvent(ctx, c)
	}, binary, log)
	if err != nil {
		return err
	}
	defer event.close()
	web, err := startSide(ctx, "Web function", func(c gateway.Config) (function, error) { return gateway.StartWeb(ctx, c) }, binary, log)
	if err != nil {
		return err
	}
	defer web.close()

	steps := []error{event.show(ctx)}
	if runtime.GOOS != "windows" { // a file:// URL has no drive letter
		steps = append(steps, deliver(ctx, event, archive))
	}
	if err := errors.Join(append(steps, web.show(ctx))...); err != nil {
		return fmt.Errorf("something was not as it should be: %w", err)
	}
	if serve {
		fmt.Println("\nUp until Ctrl-C. To try, in another terminal:")
		event.curl()
		web.curl()
		fmt.Println("\nThe whole flow by curl is in docs/flow.md. What the simulated upstream answers depends on how the order number begins:")
		for _, s := range simulator.Scenarios() {
			fmt.Printf("  %-12s %s\n", s.Prefix, s.What)
		}
		<-ctx.Done()
	}
	return nil
}

// function is either kind of function in the local runtime.
type function interface {
	http.Handler
	Close() error
}

// side is one kind of function with an upstream of its own.
type side struct {
	name     string
	upstream *simulator.Simulator
	function function
	url      string
	closers  []func()
}

func startSide(ctx context.Context, name string, start func(gateway.Config) (function, error), binary string, log io.Writer) (*side, error) {
	s := &side{name: name, upstream: simulator.New(simulator.Config{Apps: apps})}
	upstreamURL, err := s.listen(ctx, s.upstream)
	if err != nil {
		return nil, err
	}
	s.function, err = start(gateway.Config{
		Binary: binary,
		Log:    log,
		Env: map[string]string{
			"KYC_APP_ID":    "IDAdemo1",
			"KYC_SECRET":    apps["IDAdemo1"],
			"KYC_APPS":      "IDAdemo2:" + apps["IDAdemo2"],
			"KYC_BASE_URL":  upstreamURL,
			"CALLER_TOKENS": "demo:" + token,
		},
	})
	if err != nil {
		s.close()
		return nil, err
	}
	s.closers = append(s.closers, func() { _ = s.function.Close() })
	s.url, err = s.listen(ctx, s.function)
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// listen serves h on a port of this machine.
func (s *side) listen(ctx context.Context, h http.Handler) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener)
	s.closers = append(s.closers, func() { _ = server.Close() })
	return "http://" + listener.Addr().String(), nil
}

func (s *side) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
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
	for _, app := range []string{"IDAdemo1", "IDAdemo2"} {
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
