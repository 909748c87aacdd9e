package cos

import (
	"net/http"
	"time"

	sdk "github.com/tencentyun/cos-go-sdk-v5"

	"kyc-ocr-relay/internal/role"
)

// signedFor and signedSince are the life of a request's signature: it covers clocks that
// are minutes apart, either way.
const signedFor, signedSince = 10 * time.Minute, 5 * time.Minute

// signer signs requests with the credentials of the moment.
type signer struct {
	role      role.Source
	next      http.RoundTripper
	maxAnswer int64 // bytes; 0: any length
}

// RoundTrip implements http.RoundTripper. Without credentials the error is role.ErrNone, or
// that of role.
func (s *signer) RoundTrip(r *http.Request) (*http.Response, error) {
	c, err := s.role(r.Context())
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
	sdk.AddAuthorizationHeader(c.SecretID.Reveal(), c.SecretKey.Reveal(), c.SessionToken.Reveal(), r,
		&sdk.AuthTime{SignStartTime: from, SignEndTime: to, KeyStartTime: from, KeyEndTime: to})
	response, err := s.next.RoundTrip(r)
	if err == nil && s.maxAnswer > 0 {
		response.Body = http.MaxBytesReader(nil, response.Body, s.maxAnswer)
	}
	return response, err
}
