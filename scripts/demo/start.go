package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/scripts/demo/internal/page"
	"kyc-ocr-relay/scripts/internal/command"
	"kyc-ocr-relay/scripts/internal/war"
)

const (
	token      = "demo-token-0123456789"
	hookSecret = "whsec_ZGVtby13ZWJob29rLXNlY3JldC0wMTIzNDU2Nzg5" // #nosec G101 -- of the demo
)

// The apps of the demo: the default one, and one that requests have to name.
var (
	appIDs = []string{"IDAdemo1", "IDAdemo2"}
	apps   = map[string]string{"IDAdemo1": "demo-secret-1", "IDAdemo2": "demo-secret-2"}
)

// demo is the function in both its kinds, and what belongs to them.
type demo struct {
	event, web *side
	dir        string     // with all that the demo writes
	binary     string     // the function's
	archive    string     // that the event function delivers to; "" where it has none
	inbox      page.Inbox // and the webhook that it tells
	end        []func()
}

// start builds the function and starts it. log gets what it writes.
func start(ctx context.Context, log io.Writer) (_ *demo, err error) {
	d := new(demo) // its own name: a return of nil leaves it to be closed
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.dir, err = os.MkdirTemp("", "kyc-ocr-relay-demo-"); err != nil {
		return nil, err
	}
	if d.binary, err = build(ctx, d.dir); err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" { // a file:// URL has no drive letter
		d.archive = filepath.Join(d.dir, "archive")
	}
	d.event, err = startSide(ctx, "event function", func(c gateway.Config) (function, error) {
		hook, end, err := serveHere(ctx, &d.inbox)
		if err != nil {
			return nil, err
		}
		d.end = append(d.end, end)
		c.Env["DELIVER_TO"], c.Env["DELIVER_SECRET"] = hook+"/after-the-ocr", hookSecret
		if d.archive != "" {
			c.Env["DELIVER_TO"] += ",file://" + d.archive
		}
		return gateway.StartEvent(ctx, c)
	}, d.binary, log)
	if err != nil {
		return nil, err
	}
	d.web, err = startSide(ctx, "Web function", func(c gateway.Config) (function, error) { return gateway.StartWeb(ctx, c) }, d.binary, log)
	return d, err
}

// build builds the function into dir and returns the path of the binary. The flags are those of go run: with others,
// as the function is deployed with, all of the standard library would be compiled a second time, which takes a minute.
func build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "main")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	command.NewScreen(os.Stderr).Progress("building the function")
	compile := exec.CommandContext(ctx, "go", "build", "-o", binary, "kyc-ocr-relay") // #nosec G204 -- into a folder of our own
	if out, err := compile.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
}

func (d *demo) close() {
	for _, s := range []*side{d.web, d.event} {
		if s != nil {
			s.close()
		}
	}
	for _, end := range d.end {
		end()
	}
	_ = os.RemoveAll(d.dir)
}

// page returns the page of the demo.
func (d *demo) page() http.Handler {
	event, _ := d.event.function.(*gateway.Event)
	tickets := war.NewHandler(war.Programs{Relay: d.binary}, d.dir)
	d.end = append(d.end, tickets.Close)
	return page.New(page.Config{
		Functions: []page.Function{
			{Name: "web", URL: d.web.url, Upstream: d.web.upstream, Log: d.web.log},
			{Name: "event", URL: d.event.url, Upstream: d.event.upstream, Log: d.event.log, Event: event},
		},
		Token:   token,
		Apps:    appIDs,
		Archive: d.archive,
		Inbox:   &d.inbox,
		Secret:  hookSecret,
		War:     tickets,
	})
}

// listenHere listens on an address of this machine that no other one reaches.
func listenHere(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, command.Misuse("-listen wants an address and a port, such as 127.0.0.1:8080: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (!ip.IsLoopback()) {
		return nil, command.Misuse("-listen %s: the page is for this machine alone: take 127.0.0.1 and a port, such as 127.0.0.1:8080", address)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, command.Remedy(fmt.Errorf("-listen: %w", err), "leave -listen out, which takes any free port: go run ./scripts/demo -serve")
	}
	return listener, nil
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
	log      *page.Log
	closers  []func()
}

func startSide(ctx context.Context, name string, start func(gateway.Config) (function, error), binary string, log io.Writer) (*side, error) {
	s := &side{name: name, upstream: simulator.New(simulator.Config{Apps: apps}), log: new(page.Log)}
	upstreamURL, err := s.listen(ctx, s.upstream)
	if err != nil {
		return nil, err
	}
	s.function, err = start(gateway.Config{
		Binary: binary,
		Log:    io.MultiWriter(s.log, log),
		Env: map[string]string{
			"KYC_APP_ID":    "IDAdemo1",
			"KYC_SECRET":    apps["IDAdemo1"],
			"KYC_APPS":      "IDAdemo2:" + apps["IDAdemo2"],
			"KYC_BASE_URL":  upstreamURL,
			"CALLER_TOKENS": "demo:" + token,
			"CALLER_SCOPES": "demo:ocr+face+start+check+ticket", // ticket has to be granted
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

// listen serves h on a port of this machine, as long as the side is up.
func (s *side) listen(ctx context.Context, h http.Handler) (string, error) {
	url, end, err := serveHere(ctx, h)
	if err == nil {
		s.closers = append(s.closers, end)
	}
	return url, err
}

// serveHere serves h on a port of this machine until end is called.
func serveHere(ctx context.Context, h http.Handler) (url string, end func(), err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	url, end = serve(listener, h)
	return url, end, nil
}

// serve serves h until end is called.
func serve(listener net.Listener, h http.Handler) (url string, end func()) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener)
	return "http://" + listener.Addr().String(), func() { _ = server.Close() }
}

func (s *side) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
}
