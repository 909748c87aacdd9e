package delivery

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"go.uber.org/goleak"

	"kyc-ocr-relay/internal/costest"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	cosName  = "evidence-1250000000"
	cosID    = "AKIDexample0123456789"
	cosKey   = "key-of-the-role-8c1f"
	cosToken = "token-of-the-session-77ab"
)

var testRole role.Source = role.FromEnvironment(func(name string) string {
	return map[string]string{
		"TENCENTCLOUD_SECRETID":     cosID,
		"TENCENTCLOUD_SECRETKEY":    cosKey,
		"TENCENTCLOUD_SESSIONTOKEN": cosToken,
	}[name]
})

// startBucket serves a bucket whose URL is a sink's; its rules must not be broken.
func startBucket(t *testing.T) (*costest.Bucket, string) {
	t.Helper()
	b := costest.New(costest.Config{Name: cosName, SecretID: cosID, SecretKey: cosKey, SessionToken: cosToken})
	server := httptest.NewServer(b)
	t.Cleanup(func() {
		server.Close()
		for _, v := range b.Violations() {
			t.Error(v)
		}
	})
	return b, "cos://" + cosName + ".ap-guangzhou/kyc/archive?endpoint=" + url.QueryEscape(server.URL)
}

// openSinks opens the sinks at these URLs until the test ends.
func openSinks(t *testing.T, urls ...string) *Sinks {
	t.Helper()
	c := Config{Secret: secret.New(hookSecret), Role: testRole}
	for _, u := range urls {
		c.To = append(c.To, secret.New(u))
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// fileURL is the sink in a folder.
func fileURL(dir string) string { return (&url.URL{Scheme: "file", Path: dir}).String() }

// failing answers with a status.
// texts wraps secrets.
func texts(list ...string) (all []secret.Text) {
	for _, s := range list {
		all = append(all, secret.New(s))
	}
	return all
}

func text(s string) secret.Text { return secret.New(s) }

func failing(status int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		return true
	}
}
