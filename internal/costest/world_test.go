package costest_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/tencentyun/cos-go-sdk-v5"

	"kyc-ocr-relay/internal/costest"
)

var config = costest.Config{
	Name:         "photos-1250000000",
	SecretID:     "AKIDlocal",
	SecretKey:    "key-of-the-test",
	SessionToken: "token+of/the test=",
}

// start serves a new bucket and returns it with a client that has credentials c.
func start(t *testing.T, c costest.Config) (*costest.Bucket, *cos.Client) {
	t.Helper()
	b := costest.New(config)
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	return b, client(t, server.URL, c)
}

func client(t *testing.T, address string, c costest.Config) *cos.Client {
	t.Helper()
	base, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := cos.NewClient(&cos.BaseURL{BucketURL: base}, &http.Client{Transport: &cos.AuthorizationTransport{
		SecretID: c.SecretID, SecretKey: c.SecretKey, SessionToken: c.SessionToken, Transport: transport,
	}})
	client.Conf.RetryOpt.Count = 1
	return client
}

func content(t *testing.T, c *cos.Client, key string) string {
	t.Helper()
	response, err := c.Object.Get(t.Context(), key, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// wantError checks that err is the COS error code with its status.
func wantError(t *testing.T, err error, status int, code string) {
	t.Helper()
	var e *cos.ErrorResponse
	if !errors.As(err, &e) || e.Response.StatusCode != status || e.Code != code {
		t.Errorf("got %v, want %d %s", err, status, code)
	}
}

func wantNoViolations(t *testing.T, b *costest.Bucket) {
	t.Helper()
	if v := b.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}

func forbidOverwrite() *http.Header {
	return &http.Header{"X-Cos-Forbid-Overwrite": {"true"}}
}
