// Command kyc-ocr-relay fetches OCR results of Tencent Cloud 人脸核身 for backends
// that should not hold the app's secret: as an event function or a Web function of
// Tencent Cloud SCF, or on a laptop.
package main

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"math"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tencentyun/scf-go-lib/cloudfunction"
	"github.com/tencentyun/scf-go-lib/functioncontext"

	"kyc-ocr-relay/handler"
	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/delivery"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/store"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

func main() {
	level := new(slog.LevelVar)
	log := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: level}))
	role := role.FromEnvironment(os.Getenv)
	f := &factory{settings: config.Reader{Getenv: os.Getenv, Role: role, Log: log}, role: role, level: level, log: log}
	h := handler.NewHandler(f.build, log)
	if os.Getenv("_LAMBDA_SERVER_PORT") != "" {
		cloudfunction.StartHandler(&function{handler: h}) // does not return
	}
	if err := serve(h, log); err != nil {
		log.Error("server", "error", err.Error())
		os.Exit(1)
	}
}

// factory makes the function of what the environment says.
type factory struct {
	settings config.Reader
	role     role.Source
	level    *slog.LevelVar
	log      *slog.Logger

	// memory is TICKET_STORE=memory. It outlives a changed secret: a pair that is good
	// still is not fetched anew.
	memory ticket.Memory
}

// build wires the whole graph.
func (f *factory) build(ctx context.Context) (*handler.Relay, error) {
	c, stale, err := f.settings.Load(ctx)
	if err != nil {
		return nil, err
	}
	f.level.Set(c.LogLevel)
	schedule := ticket.Schedule{Refresh: c.Refresh, Overlap: c.Overlap}
	if !schedule.Fits(c.Timeout) {
		f.log.Warn("a renewal is cut off before its two calls time out: lower KYC_TIMEOUT to a fifth of TICKET_OVERLAP")
	}
	client := upstream.New(upstream.Config{BaseURL: c.BaseURL, Timeout: c.Timeout})
	var (
		apps    []string
		tickets = map[string]ticket.App{}
		callers []handler.Caller
	)
	for _, app := range c.Apps {
		apps = append(apps, app.ID)
		of := ticket.App{Issuer: client.Issuer(app.ID, app.Secret), Secret: app.Secret}
		if !app.Next.IsEmpty() {
			of.Next = &ticket.App{Issuer: client.Issuer(app.ID, app.Next), Secret: app.Next}
		}
		tickets[app.ID] = of
	}
	for _, caller := range c.Callers {
		callers = append(callers, handler.Caller(caller))
	}
	shared := ticket.Store(&f.memory)
	if c.Store.Scheme != "memory" {
		if shared, err = store.Open(c.Store.Scheme, c.Store.URL.Reveal(), f.role); err != nil {
			return nil, fmt.Errorf("TICKET_STORE: %w", err)
		}
	}
	sinks, err := f.sinks(c)
	if err != nil {
		return nil, err
	}
	return handler.New(handler.Config{
		Apps:        apps,
		DefaultApp:  c.DefaultApp,
		Callers:     callers,
		NoAuth:      c.NoAuth,
		RoutePrefix: c.RoutePrefix,
		Upstream:    client,
		Tickets: ticket.New(ticket.Config{
			Apps:     tickets,
			Store:    shared,
			Schedule: schedule,
			Log:      f.log,
		}),
		StoreKind: c.Store.Scheme,
		Delivery:  sinks,
		Stale:     stale,
		Log:       f.log,
	}), nil
}

// sinks returns nil where DELIVER_TO is not set.
func (f *factory) sinks(c config.Config) (*delivery.Sinks, error) {
	if len(c.DeliverTo) == 0 {
		return nil, nil
	}
	to := make([]secret.Text, len(c.DeliverTo))
	for i, location := range c.DeliverTo {
		to[i] = location.URL
	}
	sinks, err := delivery.Open(delivery.Config{To: to, Secret: c.DeliverSecret, Role: f.role})
	if err != nil {
		return nil, fmt.Errorf("DELIVER_TO, DELIVER_SECRET: %w", err)
	}
	return sinks, nil
}

// function adapts the Handler to the runtime of event functions.
type function struct {
	handler *handler.Handler
	first   sync.Once
	ballast []byte
}

// deadlineMargin is left to the runtime for handing back what the function returned.
const deadlineMargin = 100 * time.Millisecond

// Invoke implements cloudfunction.Handler.
func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	f.first.Do(f.collectLess)
	invocation, ok := functioncontext.FromContext(ctx)
	if !ok {
		invocation = &functioncontext.FunctionContext{}
	}
	limit := time.Duration(invocation.TimeLimitInMs) * time.Millisecond
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) > 0 {
		limit = time.Until(deadline)
	} else if limit <= 0 {
		limit = 3 * time.Second // the platform's default
	}
	// The runtime's context has ended already where the platform named no deadline.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit-min(deadlineMargin, limit/10))
	defer cancel()
	return f.handler.Invoke(ctx, invocation.RequestID, payload)
}

// The collector of an event function. By itself it runs whenever the heap has doubled: for
// small answers every few megabytes, and of the largest it lets two lie about. The ballast
// counts as in use and is never touched, so that it takes no memory: with it, a quarter
// more is 8 MB and a quarter of what is really in use.
const (
	ballastSize    = 32 << 20
	ballastPercent = 25
)

// collectLess is for the first event, as it would be a fifth of a cold start.
func (f *function) collectLess() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(ballastPercent)
		f.ballast = make([]byte, ballastSize)
	}
}

const (
	// memoryLimit is where the collector begins to work harder: the smallest Web instance
	// has 128 MB, of which the platform's own runtime needs some.
	memoryLimit = 88 << 20

	// webPercent is how much the heap grows until the collector runs, below memoryLimit.
	webPercent = 150

	// grace is what requests have to end in after SIGTERM. The platform's is not published;
	// container runtimes give 10 s.
	grace = 5 * time.Second
)

// serve runs the HTTP server until the platform asks it to stop.
func serve(h http.Handler, log *slog.Logger) error {
	port := os.Getenv("PORT")
	if port == "" {
		port = "9000"
	}
	if debug.SetMemoryLimit(-1) == math.MaxInt64 { // GOMEMLIMIT says nothing
		debug.SetMemoryLimit(memoryLimit)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(webPercent)
	}
	server := &http.Server{
		Addr:              "0.0.0.0:" + port,
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      90 * time.Second, // the time limit of a request, and a slow reader
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		// OPTIONS * is a request like any other.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     stdlog.New(serverLog{log}, "", 0),
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	drained := make(chan error, 1)
	go func() {
		<-stop.Done()
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		err := server.Shutdown(ctx)
		if err != nil {
			_ = server.Close()
			err = fmt.Errorf("requests were cut off after %v", grace)
		}
		drained <- err
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-drained
}

// serverLog logs what net/http has to say. The handler lets no panic through; would one
// come all the same, its value and the stack are not for the log.
type serverLog struct{ log *slog.Logger }

func (s serverLog) Write(p []byte) (int, error) {
	text, _, _ := strings.Cut(string(p), "\n")
	if strings.Contains(text, "panic serving") {
		text = "a handler panicked"
	}
	s.log.Warn("server", "detail", text)
	return len(p), nil
}
