package delivery

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"kyc-ocr-relay/internal/cos"
	"kyc-ocr-relay/internal/role"
)

const (
	// cosAnswer bounds the wait for an answer once a request is sent.
	cosAnswer = 15 * time.Second
	// cosAttempts is how often a request is made, with cosPause between two attempts.
	cosAttempts = 3
	cosPause    = 200 * time.Millisecond
)

// cosArchive is an archive in Cloud Object Storage. Its objects are private and encrypted
// by the service.
type cosArchive struct{ bucket *cos.Bucket }

func newCOSArchive(u *url.URL, source role.Source) (*cosArchive, error) {
	bucket, err := cos.Open(u, source, cos.Options{Attempts: cosAttempts, Pause: cosPause, Answer: cosAnswer})
	if err != nil {
		return nil, err
	}
	return &cosArchive{bucket}, nil
}

func (b *cosArchive) has(ctx context.Context, key string) (bool, error) {
	_, err := b.bucket.Head(ctx, b.bucket.Prefix+key)
	if cos.Status(err) == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, cosError(err)
	}
	return true, nil
}

func (b *cosArchive) read(ctx context.Context, key string) ([]byte, error) {
	body, _, err := b.bucket.Get(ctx, b.bucket.Prefix+key)
	if cos.Status(err) == http.StatusNotFound {
		return nil, errAbsent
	}
	if err != nil {
		return nil, cosError(err)
	}
	defer body.Close()
	data, err := readAll(body)
	if err != nil {
		return nil, cosError(err)
	}
	return data, nil
}

// write is one PUT: an object is there whole or not at all.
func (b *cosArchive) write(ctx context.Context, key string, content blob) error {
	_, err := b.bucket.Put(ctx, b.bucket.Prefix+key, content.open, content.size, http.Header{
		"Content-Type":                 {content.kind},
		"X-Cos-Acl":                    {"private"},
		"X-Cos-Server-Side-Encryption": {"AES256"},
	})
	if err != nil {
		return cosError(err)
	}
	return nil
}

func (b *cosArchive) remove(ctx context.Context, key string) error {
	if err := b.bucket.Delete(ctx, b.bucket.Prefix+key, ""); err != nil && cos.Status(err) != http.StatusNotFound {
		return cosError(err)
	}
	return nil
}

func (b *cosArchive) close() { _ = b.bucket.Close() }

// cosError is err of a bucket as it may be shown.
func cosError(err error) error { return fmt.Errorf("cos: %w", cos.Error(err, errTooLarge, errBase64)) }
