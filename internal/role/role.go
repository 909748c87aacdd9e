// Package role carries the temporary credentials of the function's execution role.
package role

import (
	"context"
	"errors"

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

// FromEnvironment returns a Source that prefers the platform's variables, as an
// event function has them, to what came with the request.
func FromEnvironment(getenv func(string) string) Source {
	return func(ctx context.Context) (Credentials, error) {
		if id := getenv("TENCENTCLOUD_SECRETID"); id != "" {
			return Credentials{
				SecretID:     secret.New(id),
				SecretKey:    secret.New(getenv("TENCENTCLOUD_SECRETKEY")),
				SessionToken: secret.New(getenv("TENCENTCLOUD_SESSIONTOKEN")),
			}, nil
		}
		if c, ok := ctx.Value(key{}).(Credentials); ok {
			return c, nil
		}
		return Credentials{}, ErrNone
	}
}
