package cos

import (
	"context"
	"encoding/xml"
	"hash"
	"hash/crc64"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
)

// Get returns an object (document 436/7753); the caller closes it.
func (b *Bucket) Get(ctx context.Context, key string) (io.ReadCloser, http.Header, error) {
	response, err := b.do(ctx, &call{method: http.MethodGet, key: key})
	if err != nil {
		return nil, nil, err
	}
	return response.Body, response.Header, nil
}

// Head returns the header of an object (document 436/7745).
func (b *Bucket) Head(ctx context.Context, key string) (http.Header, error) {
	return b.header(ctx, &call{method: http.MethodHead, key: key})
}

// Put writes an object as a whole (document 436/7749), and returns the header of the answer. content is
// called for each attempt, as the one before may still be read; size is in bytes, header is sent along.
func (b *Bucket) Put(ctx context.Context, key string, content func() io.Reader, size int64, header http.Header) (http.Header, error) {
	return b.header(ctx, &call{method: http.MethodPut, key: key, header: header, content: content, size: size})
}

// Delete removes an object (document 436/7743), or one version of it where that is not "".
func (b *Bucket) Delete(ctx context.Context, key, version string) error {
	var query url.Values
	if version != "" {
		query = url.Values{"versionId": {version}}
	}
	_, err := b.header(ctx, &call{method: http.MethodDelete, key: key, query: query})
	return err
}

// Object is an object of a listing.
type Object struct {
	Key          string
	LastModified string // RFC 3339
}

// List returns up to limit objects whose keys begin with prefix and come after marker, in the order of
// their keys (document 436/7734), and the header of the answer.
func (b *Bucket) List(ctx context.Context, prefix, marker string, limit int) ([]Object, http.Header, error) {
	response, err := b.do(ctx, &call{method: http.MethodGet, query: url.Values{
		"prefix": {prefix}, "marker": {marker}, "max-keys": {strconv.Itoa(limit)},
	}})
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	var listing struct{ Contents []Object }
	if err := xml.NewDecoder(response.Body).Decode(&listing); err != nil {
		return nil, nil, err
	}
	return listing.Contents, response.Header, nil
}

// header makes a call and returns the header of the answer, without a body.
func (b *Bucket) header(ctx context.Context, c *call) (http.Header, error) {
	response, err := b.do(ctx, c)
	if err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxError)) // it keeps the connection
	_ = response.Body.Close()
	return response.Header, nil
}

// checked is what is sent of an object, with its checksum. The transport may still read it while its
// answer is there.
type checked struct {
	io.Reader
	mu  sync.Mutex
	sum hash.Hash64
}

func newChecked(r io.Reader) *checked {
	return &checked{Reader: r, sum: crc64.New(crc64.MakeTable(crc64.ECMA))}
}

// Read implements io.Reader.
func (c *checked) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.Reader.Read(p)
	_, _ = c.sum.Write(p[:n])
	return n, err
}

// arrived returns ErrChecksum where an answer tells that something else arrived.
func (c *checked) arrived(answer http.Header) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if told := answer.Get("X-Cos-Hash-Crc64ecma"); told != "" && told != strconv.FormatUint(c.sum.Sum64(), 10) {
		return ErrChecksum
	}
	return nil
}
