// Package role carries the temporary credentials of the function's execution role.
package role

import (
	"context"
	"errors"
	"sync"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// ErrNone is returned where the platform provided no credentials.
var ErrNone = errors.New("the function has no execution role, or the platform gave no credentials for it")

// Credentials sign requests to other services of the cloud. They live for minutes
// to hours and may change between invocations: they are asked for at each use.
type Credentials struct {
	SecretID     secret.Text
	SecretKey    secret.Text
	SessionToken secret.Text
}

// Source gives the credentials of this moment.
type Source func(context.Context) (Credentials, error)

type key struct{}

// NewContext returns a context with the credentials that came with a request: the
// Web function gets them as headers.
func NewContext(ctx context.Context, c Credentials) context.Context {
	return context.WithValue(ctx, key{}, c)
}

// trusted is for how long credentials of the environment count as good. How long they live
// is not documented; those of a role elsewhere in the cloud do for two hours at least.
const trusted = time.Hour

// FromEnvironment returns a Source of the platform's variables, which an event function
// gets with each invocation, and of what came with the request, as a Web function has it.
// Where there are both, the variables count as long as they are new: those of a process
// that lives on were set once, while each request brings what is valid.
func FromEnvironment(getenv func(string) string) Source {
	var (
		mu    sync.Mutex
		known = getenv("TENCENTCLOUD_SECRETID")
		since = time.Now().Round(0) // by the wall clock: an instance may have been frozen
	)
	return func(ctx context.Context) (Credentials, error) {
		id, now := getenv("TENCENTCLOUD_SECRETID"), time.Now().Round(0)
		mu.Lock()
		if id != known {
			known, since = id, now
		}
		old := now.Sub(since) >= trusted
		mu.Unlock()
		request, ok := ctx.Value(key{}).(Credentials)
		switch {
		case ok && (old || id == ""):
			return request, nil
		case id == "":
			return Credentials{}, ErrNone
		}
		return Credentials{
			SecretID:     secret.New(id),
			SecretKey:    secret.New(getenv("TENCENTCLOUD_SECRETKEY")),
			SessionToken: secret.New(getenv("TENCENTCLOUD_SESSIONTOKEN")),
		}, nil
	}
}
