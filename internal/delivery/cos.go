package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"

	"kyc-ocr-relay/internal/cosaccess"
	"kyc-ocr-relay/internal/redact"
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
type cosArchive struct {
	client *cos.Client
	pool   *http.Transport
	prefix string // "" or "…/"
}

func newCOSArchive(u *url.URL, source role.Source) (*cosArchive, error) {
	base, prefix, err := cosaccess.Locate(u)
	if err != nil || source == nil {
		return nil, cmp.Or(err, cosaccess.ErrURL)
	}
	pool := &http.Transport{
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: cosAnswer,
		IdleConnTimeout:       30 * time.Second, // a frozen instance does not see one close
		MaxIdleConnsPerHost:   8,
		DisableCompression:    true,
	}
	b := &cosArchive{pool: pool, prefix: prefix}
	b.client = cos.NewClient(&cos.BaseURL{BucketURL: base}, &http.Client{
		Transport:     &cosaccess.Signer{Role: source, Next: pool},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	})
	b.client.Conf.RetryOpt = cos.RetryOptions{Count: cosAttempts, Interval: cosPause}
	return b, nil
}

func (b *cosArchive) has(ctx context.Context, key string) (bool, error) {
	has, err := b.client.Object.IsExist(ctx, b.prefix+key)
	if err != nil {
		return false, cosError(err)
	}
	return has, nil
}

func (b *cosArchive) read(ctx context.Context, key string) ([]byte, error) {
	response, err := b.client.Object.Get(ctx, b.prefix+key, nil)
	if cos.IsNotFoundError(err) {
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
		response, err := b.client.Object.Put(ctx, b.prefix+key, content.open(), &cos.ObjectPutOptions{
			ACLHeaderOptions: &cos.ACLHeaderOptions{XCosACL: "private"},
			ObjectPutHeaderOptions: &cos.ObjectPutHeaderOptions{
				ContentType:              content.kind,
				ContentLength:            content.size,
				XCosServerSideEncryption: "AES256",
			},
		})
		if err == nil {
			return nil
		}
		_, again := b.client.CheckRetrieable(b.client.BaseURL.BucketURL, response, err, false)
		if !again || attempt == cosAttempts || !pause(ctx, cosPause) {
			return cosError(err)
		}
	}
}

func (b *cosArchive) remove(ctx context.Context, key string) error {
	_, err := b.client.Object.Delete(ctx, b.prefix+key)
	if err != nil && !cos.IsNotFoundError(err) {
		return cosError(err)
	}
	return nil
}

func (b *cosArchive) close() { b.pool.CloseIdleConnections() }

// cosError says what went wrong without the URL and the headers that the SDK quotes.
func cosError(err error) error {
	var answer *cos.ErrorResponse
	if errors.As(err, &answer) {
		return fmt.Errorf("cos: answered %d %s", answer.Response.StatusCode, redact.Code(answer.Code))
	}
	var attempts *cos.RetryError
	if errors.As(err, &attempts) && len(attempts.Errs) > 0 {
		err = attempts.Errs[len(attempts.Errs)-1]
	}
	if strings.HasPrefix(err.Error(), "verification failed") { // the SDK has no type for it
		return errors.New("cos: what arrived has another checksum")
	}
	return fmt.Errorf("cos: %w", redact.Error(err, harmless...))
}
