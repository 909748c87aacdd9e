package cos

import (
	"context"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

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

// server starts a service, and a bucket that is asked there for a role that may change.
func server(t *testing.T, h http.HandlerFunc, source role.Source, o Options) *Bucket {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	u, err := url.Parse("cos://b-1.region/prefix?endpoint=" + url.QueryEscape(s.URL))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(u, source, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func steady(context.Context) (role.Credentials, error) {
	return role.Credentials{SecretID: secret.New("AKID"), SecretKey: secret.New("key"), SessionToken: secret.New("session")}, nil
}

// The credentials may change, or be missing, between two requests.
func TestCredentialsAreAskedForAtEachUse(t *testing.T) {
	var (
		given role.Credentials
		fails error
		sent  http.Header
	)
	b := server(t, func(_ http.ResponseWriter, r *http.Request) { sent = r.Header },
		func(context.Context) (role.Credentials, error) { return given, fails }, Options{})
	for _, id := range []string{"AKIDone", "AKIDtwo"} {
		given = role.Credentials{SecretID: secret.New(id), SecretKey: secret.New("key"), SessionToken: secret.New("session")}
		if _, err := b.Head(t.Context(), "key"); err != nil || !strings.Contains(sent.Get("Authorization"), "q-ak="+id+"&") || sent.Get("X-Cos-Security-Token") != "session" {
			t.Errorf("%s: %v", id, err)
		}
	}
	sent, given = nil, role.Credentials{}
	if _, err := b.Head(t.Context(), "key"); !errors.Is(err, role.ErrNone) || sent != nil {
		t.Errorf("without credentials: %v", err)
	}
	fails = errors.New("no credentials")
	if _, err := b.Head(t.Context(), "key"); !errors.Is(err, fails) || sent != nil {
		t.Errorf("without an answer: %v", err)
	}
}

// The vendor's SDK signs the same requests alike.
func TestSignAsTheSDK(t *testing.T) {
	credentials, _ := steady(t.Context())
	now := time.Unix(1_700_000_000, 0)
	for target, header := range map[string]http.Header{
		"https://b.example/key": nil,
		"https://b.example/%E8%AF%81%20%E4%BB%B6/a+b%2Fc(1)*'!~.jpg":   {"Content-Type": {"image/jpeg"}, "X-Cos-Acl": {"private"}},
		"https://b.example/?prefix=%E8%AF%81%2F&marker=&max-keys=1000": {"User-Agent": {"not signed"}},
		"https://b.example/key?versionId=a%2Bb+c&list-type=2&A=1":      {"X-Cos-Meta-Writer": {"b c", "a&b"}},
		"https://b.example:8443/key?x=%7E%2A%27%28%29%21":              {"X-Cos-Server-Side-Encryption": {"AES256"}},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, target, nil)
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(r.Header, header)
		theirs := r.Clone(t.Context())
		sign(r, credentials, now)
		from, to := now.Add(-signedSince), now.Add(signedFor)
		sdk.AddAuthorizationHeader("AKID", "key", "session", theirs, &sdk.AuthTime{SignStartTime: from, SignEndTime: to, KeyStartTime: from, KeyEndTime: to})
		if got, want := r.Header.Get("Authorization"), theirs.Header.Get("Authorization"); got != want {
			t.Errorf("%s: signed\n%s, the SDK\n%s", target, got, want)
		}
	}
}

func TestCalls(t *testing.T) {
	var asked string
	b := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = fmt.Sprintf("%s %s %d %q", r.Method, r.RequestURI, r.ContentLength, body)
		switch {
		case r.URL.Path == "/":
			_, _ = io.WriteString(w, `<ListBucketResult><Contents><Key>a&amp;b</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><Size>1</Size></Contents><Contents><Key>c</Key></Contents></ListBucketResult>`)
		case r.Method == http.MethodPut:
			w.Header().Set("X-Cos-Hash-Crc64ecma", strconv.FormatUint(crc64.Checksum(body, crc64.MakeTable(crc64.ECMA)), 10))
		case r.Method == http.MethodGet:
			_, _ = io.WriteString(w, "content")
		}
	}, steady, Options{MaxAnswer: 1000})
	expect := func(want string, err error) {
		t.Helper()
		if asked != want || err != nil {
			t.Errorf("asked %s, want %s (%v)", asked, want, err)
		}
	}
	put := func(text string) error {
		_, err := b.Put(t.Context(), "a b/证", func() io.Reader { return strings.NewReader(text) }, int64(len(text)), nil)
		return err
	}
	expect(`PUT /a%20b/%E8%AF%81 5 "photo"`, put("photo"))
	expect(`PUT /a%20b/%E8%AF%81 0 ""`, put(""))
	_, err := b.Head(t.Context(), "key")
	expect(`HEAD /key 0 ""`, err)
	expect(`DELETE /key 0 ""`, b.Delete(t.Context(), "key", ""))
	expect(`DELETE /key?versionId=a%2Fb 0 ""`, b.Delete(t.Context(), "key", "a/b"))
	body, _, err := b.Get(t.Context(), "key")
	expect(`GET /key 0 ""`, err)
	text, err := io.ReadAll(body)
	if string(text) != "content" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	body.Close()
	objects, _, err := b.List(t.Context(), "p/", "p/m", 2)
	expect(`GET /?marker=p%2Fm&max-keys=2&prefix=p%2F 0 ""`, err)
	if want := []Object{{"a&b", "2026-01-02T03:04:05.000Z"}, {Key: "c"}}; !slices.Equal(objects, want) {
		t.Errorf("%v", objects)
	}
}

func TestRefusals(t *testing.T) {
	status, body := 0, ""
	b := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/canary")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}, steady, Options{MaxAnswer: 100})
	for _, c := range []struct {
		status     int
		body, want string
	}{
		{403, "<Error><Code>AccessDenied</Code><Message>canary</Message></Error>", "the service answered 403 AccessDenied"},
		{403, "<Error><Code>canary? q-ak=1</Code></Error>", "the service answered 403 (no code)"},
		{502, "<html>canary", "the service answered 502 (no code)"},
		{301, "", "the service answered 301 (no code)"},
		{500, strings.Repeat("<canary>", 100), "the service answered 500 (no code)"},
	} {
		status, body = c.status, c.body
		_, _, err := b.Get(t.Context(), "key")
		if Status(err) != c.status || Error(err).Error() != c.want || strings.Contains(err.Error(), "canary") {
			t.Errorf("%d: %v", c.status, Error(err))
		}
	}
	status, body = 200, strings.Repeat("x", 101)
	if _, _, err := b.List(t.Context(), "", "", 1); err == nil {
		t.Error("an answer of any length is read")
	}
}

func TestError(t *testing.T) {
	const canary = "canary"
	answer := &refusal{403, "AccessDenied"}
	harmless := errors.New("known")
	for want, err := range map[string]error{
		"the service answered 403 AccessDenied": fmt.Errorf("%s: %w", canary, answer),
		"the service answered 500 (no code)":    &refusal{500, "q-ak=canary"},
		ErrChecksum.Error():                     fmt.Errorf("%s: %w", canary, ErrChecksum),
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
