// Command kyc-ocr-relay fetches OCR results of Tencent Cloud 人脸核身 for backends
// that should not hold the app's secret: as an event function or a Web function of
// Tencent Cloud SCF, or on a laptop.
package main

import (
	"context"
	"log/slog"
	"os"

	"kyc-ocr-relay/handler"
	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/scf"
	"kyc-ocr-relay/internal/ticket"
)

func main() {
	level := new(slog.LevelVar)
	log := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: level}))
	h := handler.New(relay.NewCurrent(opener(level, log), log), log)
	if os.Getenv("_LAMBDA_SERVER_PORT") != "" {
		scf.Start(h, os.Getenv) // does not return
	}
	if os.Getenv("PORT") == "" { // scf_bootstrap sets it: this is a laptop
		config.Welcome(os.Stderr, os.Getenv)
	}
	if err := scf.Serve(h, log, os.Getenv); err != nil {
		log.Error("server", "error", err.Error())
		os.Exit(1)
	}
}

// opener returns what opens a Relay with the settings that it finds, each time.
func opener(level *slog.LevelVar, log *slog.Logger) func(context.Context) (*relay.Relay, error) {
	credentials := role.FromEnvironment(os.Getenv)
	reader := config.Reader{Role: credentials, Log: log}
	memory := new(ticket.Memory)
	return func(ctx context.Context) (*relay.Relay, error) {
		c, stale, err := reader.Load(ctx)
		if err != nil {
			return nil, err
		}
		level.Set(c.LogLevel)
		return relay.Open(c, relay.Options{Log: log, Role: credentials, Memory: memory, Stale: stale})
	}
}
