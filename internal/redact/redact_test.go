package redact

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "canary"

var errHarmless = errors.New("known and harmless")

// inURL is err as net/http hands it on.
func inURL(err error) error {
	return &url.Error{Op: "Get", URL: "https://canary:canary@canary.example/canary?sign=canary#canary", Err: err}
}

func TestError(t *testing.T) {
	address := &net.TCPAddr{IP: net.IPv4(10, 9, 8, 7), Port: 65432}
	onWire := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Source: address, Addr: address, Err: err}
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New(canary), "unexpected error (*errors.errorString)"},
		{inURL(errors.New(canary)), "unexpected error (*url.Error)"},
		{errors.Join(errors.New(canary), fs.ErrPermission), "unexpected error (*errors.joinError)"},

		{fmt.Errorf("%s: %w", canary, errHarmless), "known and harmless"},
		{inURL(errHarmless), "known and harmless"},
		{errors.Join(errors.New(canary), errHarmless), "known and harmless"},
		{inURL(context.Canceled), "context canceled"},
		{onWire(fmt.Errorf("%s: %w", canary, context.DeadlineExceeded)), "context deadline exceeded"},

		{inURL(onWire(os.ErrDeadlineExceeded)), "no answer in time"},
		{onWire(&net.DNSError{Name: canary, Server: canary, Err: canary, IsTimeout: true}), "no answer in time"},
		{onWire(syscall.ETIMEDOUT), "no answer in time"},
		{inURL(onWire(&net.DNSError{Name: canary, Server: canary, Err: canary})), "the host name cannot be resolved"},
		{onWire(&net.DNSError{Name: canary, IsNotFound: true}), "the host name cannot be resolved"},
		{onWire(&net.AddrError{Err: canary, Addr: canary}), "the connection failed"},
		{onWire(net.UnknownNetworkError(canary)), "the connection failed"},
		{inURL(onWire(os.NewSyscallError("connect", syscall.ECONNREFUSED))), syscall.ECONNREFUSED.Error()},
		{inURL(io.EOF), "the connection was closed without an answer"},
		{inURL(fmt.Errorf("%s: %w", canary, io.ErrUnexpectedEOF)), "the connection was closed without an answer"},
		{onWire(net.ErrClosed), "the connection was closed without an answer"},

		{inURL(&tls.CertificateVerificationError{Err: errors.New(canary)}), "the certificate cannot be verified"},
		{x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{canary}}, Host: canary}, "the certificate cannot be verified"},
		{x509.CertificateInvalidError{Detail: canary}, "the certificate cannot be verified"},
		{x509.UnknownAuthorityError{}, "the certificate cannot be verified"},
		{inURL(tls.RecordHeaderError{Msg: canary, RecordHeader: [5]byte{'H', 'T', 'T', 'P', '/'}}), "the other side does not speak TLS"},
		{inURL(http.ErrSchemeMismatch), "the other side does not speak TLS"},
		{onWire(tls.AlertError(40)), "the connection failed"},

		{&fs.PathError{Op: "open", Path: "/canary/canary", Err: syscall.EACCES}, "open: " + syscall.EACCES.Error()},
		{&os.LinkError{Op: "rename", Old: canary, New: canary, Err: syscall.EXDEV}, "rename: " + syscall.EXDEV.Error()},
		{&fs.PathError{Op: canary, Path: canary, Err: syscall.EACCES}, syscall.EACCES.Error()},
		{&fs.PathError{Op: "read", Path: canary, Err: errors.New(canary)}, "read: unexpected error (*errors.errorString)"},
	} {
		got := Error(c.err, errHarmless)
		if got.Error() != c.want {
			t.Errorf("%#v\nbecomes %q, want %q", c.err, got, c.want)
		}
		for shown := got; shown != nil; shown = errors.Unwrap(shown) {
			text := fmt.Sprintf("%v %+v %#v", shown, shown, shown)
			if strings.Contains(text, canary) || strings.Contains(text, "65432") || strings.Contains(text, "10.9.8.7") {
				t.Errorf("%q is not redacted: it holds %s", got, text)
			}
		}
	}
	if err := Error(nil); err != nil {
		t.Errorf("nil becomes %v", err)
	}
}

// What net/http really returns: the kinds are as they are named, and nothing of the URL is there.
func TestErrorsOfTheTransport(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler)
	}))
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for location, want := range map[string]error{
		plain.URL + "/broken":             ErrClosed,
		plain.URL + "/slow":               context.DeadlineExceeded,
		"https" + plain.URL[len("http"):]: ErrTLS,
		secure.URL:                        ErrCertificate,
		gone.URL:                          nil, // the number of the system
		"http://" + strings.Repeat("x", 64) + ".a/": ErrHost, // no DNS server is asked for such a label
	} {
		u, err := url.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		u.User, u.RawQuery = url.UserPassword(canary, canary), "sign=canary"
		client := &http.Client{Timeout: 100 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
		if want != context.DeadlineExceeded {
			client.Timeout = 10 * time.Second
		}
		response, err := client.Get(u.String())
		if err == nil {
			response.Body.Close()
			t.Errorf("%s answers", location)
			continue
		}
		got := Error(err)
		if number := syscall.Errno(0); want == nil && errors.As(got, &number) {
			want = number
		}
		if !errors.Is(got, want) || strings.Contains(got.Error(), canary) || strings.Contains(got.Error(), u.Host) {
			t.Errorf("%s: %q, want %q", location, got, want)
		}
	}
}

func TestCode(t *testing.T) {
	for _, code := range []string{"NoSuchKey", "AuthFailure.SignatureFailure", "NO_CODE", "00000000-0000-4000-8000-000000000001", strings.Repeat("a", 64)} {
		if got := Code(code); got != code {
			t.Errorf("%q becomes %q", code, got)
		}
	}
	for _, text := range []string{"", "a b", "q-ak=1", "a\nb", "a/b", "名", strings.Repeat("a", 65)} {
		if got := Code(text); got != "(no code)" {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}
