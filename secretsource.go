package main

import (
	"context"
	"log/slog"
	"os"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/ssm"
	"kyc-ocr-relay/internal/ticket"
)

// settings reads the configuration from the environment and from SECRET_SOURCE. It is
// used by one goroutine at a time.
type settings struct {
	log    *slog.Logger
	source *ssm.Source // of the first SECRET_SOURCE seen; nil as long as there is none

	// memory is TICKET_STORE=memory. It outlives a changed secret: a pair that is good
	// still is not fetched anew.
	memory ticket.Memory
}

// load returns the configuration, and how to learn that it has changed: nil where it
// never does.
func (s *settings) load(ctx context.Context) (config.Config, func(context.Context) bool, error) {
	location, err := config.SecretSource()
	if err != nil || location.Scheme == "" {
		c, err := config.Load(nil) // all problems at once, this one among them
		return c, nil, err
	}
	if s.source == nil {
		source, err := ssm.New(ssm.Config{
			URL: location.URL, Role: role.FromEnvironment(os.Getenv), Variables: config.Variables(), Log: s.log,
		})
		if err != nil {
			return config.Config{}, nil, err
		}
		s.source = source
	}
	values, err := s.source.Values(ctx)
	if err != nil {
		return config.Config{}, nil, err
	}
	c, err := config.Load(values)
	return c, func(ctx context.Context) bool { return s.source.Changed(ctx, values) }, err
}
