// Package cosaccess reaches a bucket of Cloud Object Storage: where a cos:// URL points, and
// requests signed with the credentials of the execution role.
package cosaccess

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"

	"kyc-ocr-relay/internal/role"
)

// signedFor and signedSince are the life of a request's signature: it covers clocks that
// are minutes apart, either way.
const signedFor, signedSince = 10 * time.Minute, 5 * time.Minute

// ErrURL is that of a location that is none. It quotes nothing.
var ErrURL = errors.New("cos: the URL must be cos://bucket-appid.region/prefix, perhaps with ?endpoint=https://host")

// Locate returns the base URL of the bucket that u names, and the prefix of the keys: "" or
// with a slash at its end.
func Locate(u *url.URL) (base *url.URL, prefix string, err error) {
	bucket, region, ok := strings.Cut(u.Host, ".")
	query, err := url.ParseQuery(u.RawQuery)
	if !ok || bucket == "" || region == "" || u.User != nil || u.Fragment != "" || err != nil {
		return nil, "", ErrURL
	}
	base = &url.URL{Scheme: "https", Host: bucket + ".cos." + region + ".myqcloud.com"}
	if text := query.Get("endpoint"); text != "" {
		endpoint, err := url.Parse(text)
		if err != nil || endpoint.Host == "" || strings.Trim(endpoint.Path, "/") != "" {
			return nil, "", ErrURL
		}
		base = &url.URL{Scheme: endpoint.Scheme, Host: endpoint.Host}
	}
	if prefix = strings.Trim(u.Path, "/"); prefix != "" {
		prefix += "/"
	}
	return base, prefix, nil
}

// Signer signs requests with the credentials of the moment, and hands them to Next.
type Signer struct {
	Role role.Source
	Next http.RoundTripper
}

// RoundTrip implements http.RoundTripper. Without credentials the error is role.ErrNone, or
// that of Role.
func (s *Signer) RoundTrip(r *http.Request) (*http.Response, error) {
	c, err := s.Role(r.Context())
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
	return s.Next.RoundTrip(r)
}
