package store

import (
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"

	"kyc-ocr-relay/internal/role"
)

const (
	// signedFor and signedSince are the life of a request's signature: it covers
	// clocks that are minutes apart, either way.
	signedFor, signedSince = 10 * time.Minute, 5 * time.Minute
	// maxAnswer bounds any answer: a listing of 1000 objects has about 400 KB.
	maxAnswer = 2 << 20
)

// signer signs requests to COS with the credentials of the moment.
type signer struct {
	credentials role.Source
	transport   *http.Transport
}

func newSigner(credentials role.Source) *signer {
	return &signer{credentials, &http.Transport{
		// Time limits come with the context; these are for what goes on without it.
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		IdleConnTimeout:     idleLife,
		MaxIdleConnsPerHost: connections,
		DisableCompression:  true,
	}}
}

// RoundTrip implements http.RoundTripper.
func (s *signer) RoundTrip(r *http.Request) (*http.Response, error) {
	c, err := s.credentials(r.Context())
	if err == nil && c.SecretID.IsEmpty() {
		err = role.ErrNone
	}
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	r = r.Clone(r.Context())
	from, to := time.Now().Add(-signedSince), time.Now().Add(signedFor)
	cos.AddAuthorizationHeader(c.SecretID.Reveal(), c.SecretKey.Reveal(), c.SessionToken.Reveal(), r,
		&cos.AuthTime{SignStartTime: from, SignEndTime: to, KeyStartTime: from, KeyEndTime: to})
	response, err := s.transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = http.MaxBytesReader(nil, response.Body, maxAnswer)
	return response, nil
}

// status returns the status that the service refused with, 0 if it did not.
func status(err error) int {
	var refusal *cos.ErrorResponse
	if errors.As(err, &refusal) {
		return refusal.Response.StatusCode
	}
	return 0
}

func date(response *cos.Response) (time.Time, error) {
	now, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return time.Time{}, errNoDate
	}
	return now, nil
}
