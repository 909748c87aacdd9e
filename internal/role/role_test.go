package role

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

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

// The variables of a process that lives on were set once; each request brings what is valid.
func TestOldVariablesGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := map[string]string{"TENCENTCLOUD_SECRETID": "at-start", "TENCENTCLOUD_SECRETKEY": "k", "TENCENTCLOUD_SESSIONTOKEN": "t"}
		source := FromEnvironment(func(name string) string { return env[name] })
		request := NewContext(context.Background(), Credentials{SecretID: secret.New("of-request")})
		expect := func(ctx context.Context, want string) {
			t.Helper()
			if c, err := source(ctx); err != nil || c.SecretID.Reveal() != want {
				t.Errorf("%q, %v, want %q", c.SecretID.Reveal(), err, want)
			}
		}
		time.Sleep(trusted - 1)
		expect(request, "at-start")
		time.Sleep(time.Nanosecond)
		expect(request, "of-request")
		expect(context.Background(), "at-start") // better than none
		env["TENCENTCLOUD_SECRETID"] = "renewed"
		expect(request, "renewed")
	})
}
