// Package redact says of an error what may be shown to callers and logged. Errors of net/http quote
// the URL with its query, those of net quote addresses and host names, those of os quote paths,
// those of SDKs quote answers. None of that is kept: only kinds, in words of our own.
package redact

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
)

// The kinds of what goes wrong on the way to a server and back.
var (
	ErrTimeout     = errors.New("no answer in time")
	ErrHost        = errors.New("the host name cannot be resolved")
	ErrCertificate = errors.New("the certificate cannot be verified")
	ErrTLS         = errors.New("the other side does not speak TLS")
	ErrClosed      = errors.New("the connection was closed without an answer")
	ErrConnection  = errors.New("the connection failed")
)

// ErrUnexpected is of none of these kinds.
var ErrUnexpected = errors.New("unexpected error")

// operations are what the files' errors may name as the operation that failed.
const operations = " chmod close fsync link lstat mkdir open read readdir remove rename stat sync truncate unlinkat write "

// Error reduces err to what may be shown. It is the first of these that err is or wraps:
//   - one of harmless, errors whose text is known to hold nothing of a request, a place or an answer;
//   - context.Canceled or context.DeadlineExceeded;
//   - a kind of this package, or the system's error number, with the operation in front of it where
//     it is of a file;
//   - else ErrUnexpected, with the type of err.
//
// What is returned wraps nothing else of err. Of nil it is nil.
func Error(err error, harmless ...error) error {
	if err == nil {
		return nil
	}
	for _, known := range harmless {
		if errors.Is(err, known) {
			return known
		}
	}
	var (
		timeout interface{ Timeout() bool }
		dns     *net.DNSError
		record  tls.RecordHeaderError
		number  syscall.Errno
		network *net.OpError
		path    *fs.PathError
		link    *os.LinkError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.As(err, &timeout) && timeout.Timeout():
		return ErrTimeout
	case errors.As(err, &dns):
		return ErrHost
	case isCertificate(err):
		return ErrCertificate
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return ErrTLS
	case errors.As(err, &path):
		return ofFile(path.Op, path.Err)
	case errors.As(err, &link):
		return ofFile(link.Op, link.Err)
	case errors.As(err, &number):
		return number
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return ErrClosed
	case errors.As(err, &network):
		return ErrConnection
	}
	return fmt.Errorf("%w (%T)", ErrUnexpected, err)
}

func isCertificate(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		name         x509.HostnameError
		invalid      x509.CertificateInvalidError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &name) || errors.As(err, &invalid)
}

func ofFile(operation string, err error) error {
	err = Error(err)
	if strings.Contains(operations, " "+operation+" ") {
		return fmt.Errorf("%s: %w", operation, err)
	}
	return err
}

// maxCode is longer than any code or request id of the cloud's APIs.
const maxCode = 64

// Code returns text, which is of an answer, if it looks like a code or a request id: up to 64 ASCII
// letters, digits, points, hyphens and underscores. Of anything else it is "(no code)".
func Code(text string) string {
	foreign := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
	}
	if text == "" || len(text) > maxCode || strings.ContainsFunc(text, foreign) {
		return "(no code)"
	}
	return text
}
