// Package costest is a bucket of Tencent Cloud Object Storage (COS) in memory, as a
// strict http.Handler: for tests only. It shares no code with the SDK.
//
// Written from the XML API (cloud.tencent.com document 436): request signature
// (7778), PUT, GET, HEAD and DELETE Object (7749, 7753, 7745, 7743), GET Bucket
// (7734), multipart upload (7746, 7750, 7742, 7740), error codes (7730).
//
// It is stricter than the real one: every query parameter, the host and every
// x-cos- header must be signed, and what it does not know is an error and a
// violation. Of versioning there is only that such a bucket ignores x-cos-forbid-overwrite,
// names each version and can delete the latest. Not simulated: permissions beyond one
// key, ranges and other conditions, copies, quotas, rate limits.
package costest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// maxBody bounds one request. The real limit is 5 GB.
	maxBody = 64 << 20
	// maxKey is the longest key in bytes (document 436/13324).
	maxKey = 850
)

// Config configures a Bucket. All but SessionToken are required.
type Config struct {
	Name      string // "bucket-1250000000"
	SecretID  string
	SecretKey string
	// SessionToken must come with each request as x-cos-security-token; where it is
	// empty, none may come.
	SessionToken string
}

// Bucket is a bucket: an http.Handler that does not look at the host; the path is the
// key. It is safe for concurrent use.
type Bucket struct {
	config Config

	mu         sync.Mutex
	objects    map[string]*object
	puts       map[string]int
	uploads    map[string]*upload
	violations []string
	requests   int
	intercept  func(http.ResponseWriter, *http.Request) bool
	versioned  bool
	clock      func() time.Time
}

type object struct {
	data     []byte
	header   http.Header
	etag     string
	modified time.Time
	version  string // "" where the bucket had no versioning when it was put
}

// Object is an object as it was put.
type Object struct {
	Key    string
	Data   []byte
	Header http.Header // of the PUT, or of the initiation of the multipart upload
	Puts   int         // how often the key was written, deleted meanwhile or not
}

// New returns an empty bucket.
func New(c Config) *Bucket {
	return &Bucket{
		config:  c,
		objects: map[string]*object{},
		puts:    map[string]int{},
		uploads: map[string]*upload{},
		clock:   time.Now,
	}
}

// Objects returns what is in the bucket, by key.
func (b *Bucket) Objects() map[string]Object {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make(map[string]Object, len(b.objects))
	for key, o := range b.objects {
		all[key] = Object{Key: key, Data: slices.Clone(o.data), Header: o.header.Clone(), Puts: b.puts[key]}
	}
	return all
}

// Violations returns what the real service would refuse or this one does not know:
// bad signatures, unknown operations, parameters and headers.
func (b *Bucket) Violations() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.violations)
}

// Intercept has f see each request first. Where it returns true it has answered; it
// may do so by Serve, to fail after the effect. nil takes it away.
func (b *Bucket) Intercept(f func(w http.ResponseWriter, r *http.Request) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.intercept = f
}

// SetVersioning switches versioning on or off.
func (b *Bucket) SetVersioning(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.versioned = on
}

// SetClock sets the clock of Date, Last-Modified and the life of signatures; nil is
// time.Now.
func (b *Bucket) SetClock(now func() time.Time) {
	if now == nil {
		now = time.Now
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = now
}

// ServeHTTP implements http.Handler.
func (b *Bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	intercept := b.intercept
	b.mu.Unlock()
	if intercept != nil && intercept(w, r) {
		return
	}
	b.Serve(w, r)
}

// Serve answers as ServeHTTP does, without what Intercept set.
func (b *Bucket) Serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))

	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests++
	w.Header().Set("Server", "tencent-cos")
	w.Header().Set("Date", b.clock().UTC().Format(http.TimeFormat))
	w.Header().Set("X-Cos-Request-Id", fmt.Sprintf("local-%d", b.requests))
	switch {
	case err != nil:
		b.fail(w, r, errIncompleteBody)
	case len(body) > maxBody:
		b.fail(w, r, errEntityTooLarge)
	default:
		b.serve(w, r, body)
	}
}

func (b *Bucket) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		b.violate(r, "query that cannot be parsed")
		b.fail(w, r, errInvalidArgument)
		return
	}
	if why, refusal := b.authenticate(r, query); refusal != nil {
		b.violate(r, why)
		b.fail(w, r, refusal)
		return
	}
	if why := checkHeaders(r.Header); why != "" {
		b.violate(r, why)
		b.fail(w, r, errInvalidArgument)
		return
	}

	key := strings.TrimPrefix(r.URL.Path, "/")
	serve, known := operation(r.Method, key, query)
	switch {
	case serve == nil:
		b.violate(r, "unknown operation")
		b.fail(w, r, errMethodNotAllowed)
	case known != nil:
		b.violate(r, known.Error())
		b.fail(w, r, errInvalidArgument)
	case len(key) > maxKey || strings.HasPrefix(key, "/") || strings.HasPrefix(key, `\`):
		b.violate(r, "key that COS does not take")
		b.fail(w, r, errInvalidURI)
	default:
		serve(b, w, &request{Request: r, key: key, query: query, body: body})
	}
}

func (b *Bucket) violate(r *http.Request, what string) {
	b.violations = append(b.violations, r.Method+" "+r.URL.Path+": "+what)
}
