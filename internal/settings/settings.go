// Package settings reads the function's configuration from the environment and from
// SECRET_SOURCE.
package settings

import (
	"context"
	"log/slog"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/ssm"
)

// Reader reads the configuration. It is used by one goroutine at a time.
type Reader struct {
	Log  *slog.Logger
	Role role.Source

	source *ssm.Source // of the first SECRET_SOURCE seen; nil as long as there is none
}

// Load returns the configuration, and how to learn that it has changed: by a look from
// time to time or, with now, at once. nil where it never does.
func (r *Reader) Load(ctx context.Context) (config.Config, func(ctx context.Context, now bool) bool, error) {
	location, err := config.SecretSource()
	if err != nil || location.Scheme == "" {
		c, err := config.Load(nil) // all problems at once, this one among them
		return c, nil, err
	}
	if r.source == nil {
		source, err := ssm.New(ssm.Config{
			URL: location.URL, Role: r.Role, Variables: config.Variables(), Log: r.Log,
		})
		if err != nil {
			return config.Config{}, nil, err
		}
		r.source = source
	}
	values, err := r.source.Values(ctx)
	if err != nil {
		return config.Config{}, nil, err
	}
	c, err := config.Load(values)
	source := r.source
	return c, func(ctx context.Context, now bool) bool {
		if now {
			return source.ChangedNow(ctx, values)
		}
		return source.Changed(ctx, values)
	}, err
}
