package config

import (
	"context"
	"log/slog"

	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/ssm"
)

// Reader reads the settings. It is used by one goroutine at a time.
type Reader struct {
	// Getenv returns a variable of the environment; nil: that of the process, as it is at each
	// Load.
	Getenv func(variable string) string
	// Role gives the credentials to read SECRET_SOURCE with. It is required where that is set.
	Role role.Source
	// Log gets a failed look at SECRET_SOURCE; nil: nothing.
	Log *slog.Logger

	source *ssm.Source // of the first SECRET_SOURCE seen; nil as long as there is none
}

// Stale reports whether other settings are to be loaded. It looks from time to time or, with now,
// at once, and blocks for one call of the secrets manager then. It is safe for concurrent use.
type Stale func(ctx context.Context, now bool) bool

// Load returns the settings, and how to learn that they have changed: nil where they never do.
// What the environment leaves blank is taken from SECRET_SOURCE, where that is set. The first
// Load blocks for one call of the secrets manager.
//
// The error joins all problems, one a line, each beginning with the variable's name; no error
// text holds a value. On an error the Config is not usable, but Stale is where it is not nil.
func (r *Reader) Load(ctx context.Context) (Config, Stale, error) {
	getenv := lookup(r.Getenv)
	if getenv == nil {
		getenv = process()
	}
	env := read(getenv)
	location := parseSecretSource(new(problems), env.SecretSource)
	if location.Scheme == "" {
		c, err := env.parse() // all problems at once, one of SECRET_SOURCE among them
		return c, nil, err
	}
	if r.source == nil {
		source, err := ssm.New(ssm.Config{URL: location.URL, Role: r.Role, Variables: Variables(), Log: r.Log})
		if err != nil {
			return Config{}, nil, err
		}
		r.source = source
	}
	values, err := r.source.Values(ctx)
	if err != nil {
		return Config{}, nil, err
	}
	env = read(getenv, of(values))
	c, err := env.parse()
	source := r.source
	return c, func(ctx context.Context, now bool) bool {
		if now {
			return source.ChangedNow(ctx, values)
		}
		return source.Changed(ctx, values)
	}, err
}

// Parse checks values, by variable, as Load does the environment; SECRET_SOURCE is not read. It
// is for settings that are to be deployed.
func Parse(values map[string]string) (Config, error) {
	env := read(of(values))
	return env.parse()
}

func of(values map[string]string) lookup {
	return func(variable string) string { return values[variable] }
}
