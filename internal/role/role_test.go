package role

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"kyc-ocr-relay/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSource(t *testing.T) {
	env := map[string]string{}
	source := FromEnvironment(func(name string) string { return env[name] })
	if _, err := source(t.Context()); !errors.Is(err, ErrNone) {
		t.Errorf("without any: %v", err)
	}
	ctx := NewContext(context.Background(), Credentials{SecretID: secret.New("of-request")})
	if c, err := source(ctx); err != nil || c.SecretID.Reveal() != "of-request" {
		t.Errorf("with the request's: %v", err)
	}
	// They change between invocations: nothing is kept.
	for _, id := range []string{"first", "second"} {
		env = map[string]string{"TENCENTCLOUD_SECRETID": id, "TENCENTCLOUD_SECRETKEY": "k", "TENCENTCLOUD_SESSIONTOKEN": "t"}
		c, err := source(ctx)
		if err != nil || c.SecretID.Reveal() != id || c.SecretKey.Reveal() != "k" || c.SessionToken.Reveal() != "t" {
			t.Errorf("with the environment's: %v", err)
		}
	}
}
