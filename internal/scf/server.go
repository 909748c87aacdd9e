package scf

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

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

// Serve runs the HTTP server of a Web function until the platform asks it to stop.
func Serve(h http.Handler, log *slog.Logger, getenv func(string) string) error {
	port := getenv("PORT")
	if port == "" {
		port = "9000"
	}
	if debug.SetMemoryLimit(-1) == math.MaxInt64 { // GOMEMLIMIT says nothing
		debug.SetMemoryLimit(memoryLimit)
	}
	if getenv("GOGC") == "" {
		debug.SetGCPercent(webPercent)
	}
	server := &http.Server{
		Addr:              "0.0.0.0:" + port,
		Handler:           newProcessors().serving(h),
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
		if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "listen" {
			err = fmt.Errorf("%w: set PORT to a free port, such as PORT=9001", err)
		}
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
