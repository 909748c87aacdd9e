package delivery

import (
	"context"
	"fmt"
	"net/url"
	"time"

	sdk "github.com/tencentyun/cos-go-sdk-v5"

	"kyc-ocr-relay/internal/cos"
	"kyc-ocr-relay/internal/role"
)

const (
	// cosAnswer bounds the wait for an answer once a request is sent.
	cosAnswer = 15 * time.Second
	// cosAttempts and cosPause are the SDK's own number of attempts, and what is between
	// them.
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
	has, err := b.bucket.Object.IsExist(ctx, b.bucket.Prefix+key)
	if err != nil {
		return false, cosError(err)
	}
	return has, nil
}

func (b *cosArchive) read(ctx context.Context, key string) ([]byte, error) {
	response, err := b.bucket.Object.Get(ctx, b.bucket.Prefix+key, nil)
	if sdk.IsNotFoundError(err) {
		return nil, errAbsent
	}
	if err != nil {
		return nil, cosError(err)
	}
	defer response.Body.Close()
	data, err := readAll(response.Body)
	if err != nil {
		return nil, cosError(err)
	}
	return data, nil
}

// write is one PUT: an object is there whole or not at all. The SDK judges whether
// another attempt may help. It would make it, too, if it could seek in the content, but
// the transport may still be reading for the last one: each gets a reader of its own.
func (b *cosArchive) write(ctx context.Context, key string, content blob) error {
	for attempt := 1; ; attempt++ {
		response, err := b.bucket.Object.Put(ctx, b.bucket.Prefix+key, content.open(), &sdk.ObjectPutOptions{
			ACLHeaderOptions: &sdk.ACLHeaderOptions{XCosACL: "private"},
			ObjectPutHeaderOptions: &sdk.ObjectPutHeaderOptions{
				ContentType:              content.kind,
				ContentLength:            content.size,
				XCosServerSideEncryption: "AES256",
			},
		})
		if err == nil {
			return nil
		}
		_, again := b.bucket.CheckRetrieable(b.bucket.BaseURL.BucketURL, response, err, false)
		if !again || attempt == cosAttempts || !pause(ctx, cosPause) {
			return cosError(err)
		}
	}
}

func (b *cosArchive) remove(ctx context.Context, key string) error {
	_, err := b.bucket.Object.Delete(ctx, b.bucket.Prefix+key)
	if err != nil && !sdk.IsNotFoundError(err) {
		return cosError(err)
	}
	return nil
}

func (b *cosArchive) close() { _ = b.bucket.Close() }

// cosError is err of the SDK as it may be shown.
func cosError(err error) error { return fmt.Errorf("cos: %w", cos.Error(err, harmless...)) }
