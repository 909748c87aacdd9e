package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"kyc-ocr-relay/internal/redact"
)

// Reason is why a call brought no usable answer.
type Reason int

// The reasons.
const (
	Unreachable Reason = iota // no connection, or one that broke before the answer
	TimedOut                  // KYC_TIMEOUT or the caller's deadline passed
	Canceled                  // the caller went away
	BadResponse               // an answer that is not JSON with a code, or not whole
	TooLarge                  // an answer over the limit of the query
	Crowded                   // the query's Memory had none left
	Refused                   // a code other than 0 where a token or ticket was asked for
)

// Error is a call that failed. Its text holds no URL, parameter or body.
type Error struct {
	Step     string // "access token", "SIGN ticket", "NONCE ticket", or Call.Step
	Reason   Reason
	Code     string // of the upstream, with Refused
	Class    Class  // of Code, with Refused
	Detail   string // what was seen, in words of our own
	Attempts int
	Elapsed  time.Duration

	again  bool // another attempt may help
	unsent bool // the last attempt did not reach the server
	lost   bool // it may have had its effect, although there is no answer that says so
}

func (e *Error) Error() string {
	if e.Reason == Refused {
		return fmt.Sprintf("%s: the upstream answered code %s%s", e.Step, e.Code, e.Detail)
	}
	return e.Step + ": " + e.Detail
}

// Refused reports whether the upstream refused the app's secret, or what it had issued
// for it: not for the moment, and not because of the way there. Which code it gives a
// secret that was replaced is not documented beyond 400105, so that any counts.
func (e *Error) Refused() bool {
	return e.Reason == Refused && e.Class != Success && e.Class != Throttled && e.Class != Transient
}

// Lost reports whether the call may have had its effect although there is no answer that
// says so: a token or face id may have been issued. It tells so only of calls that are sent
// once, which are those for a token and every POST.
func (e *Error) Lost() bool { return e.lost }

// transportError says what went wrong below HTTP.
func transportError(ctx context.Context, err error) *Error {
	var dns *net.DNSError
	shown := redact.Error(err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return &Error{Reason: Canceled, Detail: "the caller went away"}
	case ctx.Err() != nil, errors.Is(shown, context.DeadlineExceeded), errors.Is(shown, redact.ErrTimeout):
		return &Error{Reason: TimedOut, Detail: redact.ErrTimeout.Error()}
	}
	if errors.Is(shown, redact.ErrUnexpected) {
		shown = redact.ErrConnection
	}
	again := !errors.Is(shown, redact.ErrCertificate) && !errors.Is(shown, redact.ErrTLS) && (!errors.As(err, &dns) || !dns.IsNotFound)
	return &Error{Reason: Unreachable, Detail: shown.Error(), again: again}
}
