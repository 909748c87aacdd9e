package cos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	sdk "github.com/tencentyun/cos-go-sdk-v5"
	"go.uber.org/goleak"

	"kyc-ocr-relay/internal/redact"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLocate(t *testing.T) {
	for location, want := range map[string][2]string{
		"cos://b-125.ap-guangzhou":                                     {"https://b-125.cos.ap-guangzhou.myqcloud.com", ""},
		"cos://b-125.ap-guangzhou/":                                    {"https://b-125.cos.ap-guangzhou.myqcloud.com", ""},
		"cos://b-125.ap-guangzhou/a/b/":                                {"https://b-125.cos.ap-guangzhou.myqcloud.com", "a/b/"},
		"cos://b-125.ap-guangzhou/a?endpoint=http%3A%2F%2F127.0.0.1:9": {"http://127.0.0.1:9", "a/"},
	} {
		u, err := url.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		base, prefix, err := locate(u)
		if err != nil || base.String() != want[0] || prefix != want[1] {
			t.Errorf("%s: %v, %q, %v", location, base, prefix, err)
		}
	}
	for _, location := range []string{
		"cos://canary", "cos://canary.", "cos://.canary", "cos://user:canary@b-1.region", "cos://b-1.region/#canary",
		"cos://b-1.region?endpoint=canary", "cos://b-1.region?endpoint=https://host/canary", "cos://b-1.region?endpoint=http://%25zzcanary",
	} {
		u, err := url.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := locate(u); !errors.Is(err, ErrURL) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", location, err)
		}
	}
}

// next notes what is sent on.
type next struct{ sent *http.Request }

func (n *next) RoundTrip(r *http.Request) (*http.Response, error) {
	n.sent = r
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// The credentials may change, or be missing, between two requests.
func TestSignerAsksForCredentialsAtEachUse(t *testing.T) {
	var (
		given role.Credentials
		fails error
		n     next
	)
	s := &signer{role: func(context.Context) (role.Credentials, error) { return given, fails }, next: &n}
	send := func() error {
		n.sent = nil
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://b.example/key", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := s.RoundTrip(request)
		if err == nil {
			response.Body.Close()
		}
		if request.Header.Get("Authorization") != "" {
			t.Error("the caller's request was changed")
		}
		return err
	}
	for _, id := range []string{"AKIDone", "AKIDtwo"} {
		given = role.Credentials{SecretID: secret.New(id), SecretKey: secret.New("key"), SessionToken: secret.New("session")}
		if err := send(); err != nil || !strings.Contains(n.sent.Header.Get("Authorization"), "q-ak="+id+"&") || n.sent.Header.Get("X-Cos-Security-Token") != "session" {
			t.Errorf("%s: %v", id, err)
		}
	}
	given = role.Credentials{}
	if err := send(); !errors.Is(err, role.ErrNone) || n.sent != nil {
		t.Errorf("without credentials: %v", err)
	}
	fails = errors.New("no credentials")
	if err := send(); !errors.Is(err, fails) || n.sent != nil {
		t.Errorf("without an answer: %v", err)
	}
}

func TestError(t *testing.T) {
	const canary = "canary"
	answer := &sdk.ErrorResponse{Response: &http.Response{StatusCode: 403}, Code: "AccessDenied", Message: canary, Resource: canary}
	harmless := errors.New("known")
	for want, err := range map[string]error{
		"the service answered 403 AccessDenied": fmt.Errorf("%s: %w", canary, answer),
		"the service answered 500 (no code)":    &sdk.RetryError{Errs: []error{errors.New(canary), &sdk.ErrorResponse{Response: &http.Response{StatusCode: 500}, Code: "q-ak=canary"}}},
		ErrChecksum.Error():                     errors.New("verification failed, want: canary, return: canary"),
		role.ErrNone.Error():                    &url.Error{Op: "Put", URL: canary, Err: role.ErrNone},
		"known":                                 fmt.Errorf("%s: %w", canary, harmless),
		redact.ErrClosed.Error():                &url.Error{Op: "Put", URL: canary, Err: io.EOF},
	} {
		if got := Error(err, harmless); got.Error() != want {
			t.Errorf("%T becomes %q, want %q", err, got, want)
		}
	}
	if Error(nil) != nil || Status(nil) != 0 || Status(fmt.Errorf("x: %w", answer)) != 403 {
		t.Error("no error, or the status of an answer")
	}
}
