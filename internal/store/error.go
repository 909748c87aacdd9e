package store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/gomodule/redigo/redis"
	"github.com/tencentyun/cos-go-sdk-v5"

	"kyc-ocr-relay/internal/role"
)

// Reasons that drivers give with a URL, a host, a path or data in the text.
var (
	errTimeout     = errors.New("timeout")
	errHost        = errors.New("the host was not found")
	errCertificate = errors.New("the server's certificate was not accepted")
	errNetwork     = errors.New("the connection failed")
	errClosed      = errors.New("the connection was closed")
	errTooLarge    = errors.New("the value is too large")
	errForeign     = errors.New("what is stored there is not ours")
)

// fail returns err, which step of a medium met, as it may be logged.
func fail(step string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("store: %s: %w", step, reason(err))
}

// known are the errors that say nothing but their own fixed text.
var known = []error{
	context.Canceled, context.DeadlineExceeded, role.ErrNone,
	errTimeout, errTooLarge, errForeign, errNoLinks, errOvertaken, errNotCreateOnly, errNoDate, errHung,
}

// reason reduces err to what is known to be harmless. Of an error that nobody
// thought of only the type is left.
func reason(err error) error {
	var retries *cos.RetryError
	if errors.As(err, &retries) && len(retries.Errs) > 0 { // it does not unwrap
		err = retries.Errs[len(retries.Errs)-1]
	}
	for _, k := range known {
		if errors.Is(err, k) {
			return k
		}
	}
	var (
		refusal     *cos.ErrorResponse
		answer      redis.Error
		network     net.Error
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		number      syscall.Errno
		operation   *net.OpError
	)
	switch {
	case errors.As(err, &refusal):
		return fmt.Errorf("the service answered %d %s", refusal.Response.StatusCode, word(refusal.Code))
	case errors.As(err, &answer):
		return fmt.Errorf("the server answered %s", word(code(answer)))
	case errors.As(err, &network) && network.Timeout():
		return errTimeout
	case errors.As(err, &dns):
		return errHost
	case errors.As(err, &certificate):
		return errCertificate
	case errors.As(err, &number):
		return number
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return errClosed
	case errors.As(err, &operation):
		return errNetwork
	}
	return fmt.Errorf("unexpected error (%T)", err)
}

// word returns s if it is a short plain word, as error codes are.
func word(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_'
	}
	if s == "" || len(s) > 40 || strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) >= 0 {
		return "(no code)"
	}
	return s
}
