// Package ssm reads the function's variables from a secret in Tencent Cloud's secrets manager, with
// the credentials of the execution role.
package ssm

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
)

const (
	// lookInterval is how long a changed secret may go unnoticed. It is a call a time and instance,
	// and far below what a rotation leaves as overlap.
	lookInterval = 10 * time.Minute
	// failInterval is the pause after a look that failed: what is in use still serves.
	failInterval = time.Minute
	// failMemory is how long a failure is returned without another call: a crowd of requests that
	// waited for the answer does not ask one after the other.
	failMemory = time.Second
	// timeout bounds one call: the function's time limit is 3 s unless configured.
	timeout = 2 * time.Second
)

// currentVersion is the version of a secret that was made without naming one (document 1140/40529).
const currentVersion = "SSM_Current"

// Config describes a secret. All fields but Log are required.
type Config struct {
	// URL is ssm://region/name, perhaps with @version after the name, and with ?endpoint=… for
	// another host than the public one: https, or http on loopback.
	URL secret.Text
	// Role gives the credentials to sign with; it is asked at each use.
	Role role.Source
	// Variables are the keys that the secret may have.
	Variables []string
	// Log gets what goes wrong while something is in use; nil: nothing.
	Log *slog.Logger
}

// Source is a secret. It is safe for concurrent use and starts no goroutine.
type Source struct {
	region, name, version string
	endpoint              *url.URL // nil: the public one
	role                  role.Source
	variables             []string
	log                   *slog.Logger

	next   atomic.Int64 // when Changed looks again: wall clock, Unix nanoseconds
	kept   atomic.Pointer[map[string]string]
	failed atomic.Pointer[failure]
}

type failure struct {
	err   error
	until int64
}

// New returns a Source. Nothing is asked yet.
func New(c Config) (*Source, error) {
	u, err := url.Parse(c.URL.Reveal())
	if err != nil || u.Scheme != "ssm" || u.Host == "" || len(u.Path) < 2 {
		return nil, &Error{detail: "not of the form ssm://region/secret-name"}
	}
	s := &Source{region: u.Host, role: c.Role, variables: c.Variables, log: c.Log}
	var versioned bool
	if s.name, s.version, versioned = strings.Cut(u.Path[1:], "@"); !versioned {
		s.version = currentVersion
	}
	if endpoint := u.Query().Get("endpoint"); endpoint != "" {
		if s.endpoint, err = url.Parse(endpoint); err != nil {
			return nil, &Error{detail: "the endpoint is not a URL"}
		}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

// Values returns the secret's content by variable: what was read last, or else what it blocks to
// read now. The map is not to be changed. Errors are fit for callers: no value is in them.
func (s *Source) Values(ctx context.Context) (map[string]string, error) {
	if kept := s.kept.Load(); kept != nil {
		return *kept, nil
	}
	now := time.Now().UnixNano()
	if f := s.failed.Load(); f != nil && now < f.until {
		return nil, f.err
	}
	values, err := s.read(ctx)
	if err != nil {
		if ctx.Err() == nil { // else it is this caller's failure alone
			s.failed.Store(&failure{err, time.Now().UnixNano() + int64(failMemory)})
		}
		return nil, err
	}
	s.next.Store(now + int64(lookInterval))
	s.kept.Store(&values)
	return values, nil
}

// Changed reports whether the secret now holds something else than used; Values then returns that.
// It looks once in ten minutes and answers false meanwhile, so that one request in that time pays
// for a call. It answers false as well where the secret cannot be read, and logs that.
func (s *Source) Changed(ctx context.Context, used map[string]string) bool {
	now, next := time.Now().UnixNano(), s.next.Load()
	if now < next || !s.next.CompareAndSwap(next, now+int64(lookInterval)) {
		return false
	}
	return s.ChangedNow(ctx, used)
}

// ChangedNow is Changed without the ten minutes, which begin anew.
func (s *Source) ChangedNow(ctx context.Context, used map[string]string) bool {
	now := time.Now().UnixNano()
	s.next.Store(now + int64(lookInterval))
	values, err := s.read(ctx)
	if err != nil {
		s.next.Store(now + int64(failInterval))
		s.log.Warn("secret source", "error", err.Error())
		return false
	}
	s.kept.Store(&values)
	return !maps.Equal(values, used)
}

// read asks for the secret and checks what it holds.
func (s *Source) read(ctx context.Context) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	credentials, err := s.role(ctx)
	if err != nil {
		return nil, &Error{Remedy: "give the function an execution role that may call ssm:GetSecretValue", detail: err.Error()}
	}
	text, err := s.get(ctx, credentials)
	if err != nil {
		return nil, err
	}
	return s.parse(text)
}

// parse reads a JSON object of variables. It names keys, and never shows a value.
func (s *Source) parse(text string) (map[string]string, error) {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &object) != nil || object == nil {
		return nil, &Error{detail: "the secret is not a JSON object of variables"}
	}
	values := make(map[string]string, len(object))
	var problems []string
	for _, key := range slices.Sorted(maps.Keys(object)) {
		var value string
		switch {
		case !slices.Contains(s.variables, key) || key == "SECRET_SOURCE":
			problems = append(problems, fmt.Sprintf("%.40q is not a variable that it may hold", key))
		case len(object[key]) == 0 || object[key][0] != '"' || json.Unmarshal(object[key], &value) != nil:
			problems = append(problems, fmt.Sprintf("%s is not a string", key))
		default:
			values[key] = value
		}
	}
	if len(problems) > 0 {
		return nil, &Error{detail: "the secret's " + strings.Join(problems, ", ")}
	}
	return values, nil
}
