// Package cos is the client of a bucket of Cloud Object Storage that a cos:// URL names: its requests
// are signed with the credentials of the execution role, and its errors are fit to be shown.
//
// The vendor's SDK compiles its regular expressions in every process that has it linked in, which is a
// good part of a cold start: it stands in the tests, which hold the signatures to it.
package cos

import (
	"cmp"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/roots"
)

const (
	// connectTimeout bounds a dial and a handshake, which go on where the context of the
	// request has ended.
	connectTimeout = 5 * time.Second
	// idleLife is how long a connection is kept: a frozen instance does not see one close.
	idleLife = 30 * time.Second
	// connections are kept idle, for calls at the same time.
	connections = 8
)

// Options are how requests are made. The zero Options make each once, within its context.
type Options struct {
	// Attempts is how often a request is made where that may help; 0: once.
	Attempts int
	// Pause is between two attempts.
	Pause time.Duration
	// Answer bounds the wait for an answer once a request is sent; 0: the context does.
	Answer time.Duration
	// MaxAnswer bounds the answers, in bytes; 0: they may have any length.
	MaxAnswer int64
}

// Bucket is a client of one bucket. It follows no redirect, and is safe for concurrent use.
type Bucket struct {
	Prefix string          // of the keys: "" or with a slash at its end
	Pool   *http.Transport // the network

	base    *url.URL
	role    role.Source
	options Options
}

// Open returns a client of the bucket that u names. Nothing is asked yet. credentials are asked
// for at each request.
func Open(u *url.URL, credentials role.Source, o Options) (*Bucket, error) {
	base, prefix, err := locate(u)
	if err != nil || credentials == nil {
		return nil, cmp.Or(err, ErrURL)
	}
	pool := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSClientConfig:       roots.Config(base.Hostname()),
		TLSHandshakeTimeout:   connectTimeout,
		ResponseHeaderTimeout: o.Answer,
		IdleConnTimeout:       idleLife,
		MaxIdleConnsPerHost:   connections,
		DisableCompression:    true,
	}
	return &Bucket{Prefix: prefix, Pool: pool, base: base, role: credentials, options: o}, nil
}

// Close closes idle connections.
func (b *Bucket) Close() error {
	b.Pool.CloseIdleConnections()
	return nil
}

// ErrURL is that of a location that is none. It quotes nothing.
var ErrURL = errors.New("cos: the URL must be cos://bucket-appid.region/prefix, perhaps with ?endpoint=https://host")

// locate returns the base URL of the bucket that u names, and the prefix of the keys: "" or
// with a slash at its end.
func locate(u *url.URL) (base *url.URL, prefix string, err error) {
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
