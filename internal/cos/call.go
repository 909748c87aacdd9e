package cos

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"

	"kyc-ocr-relay/internal/pause"
	"kyc-ocr-relay/internal/role"
)

// call is a call of the API.
type call struct {
	method, key string
	query       url.Values
	header      http.Header
	content     func() io.Reader
	size        int64 // of the content, in bytes; 0: no body
}

// do makes the call, again where that may help. The caller closes the answer's body.
func (b *Bucket) do(ctx context.Context, c *call) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		response, err := b.once(ctx, c)
		again := err != nil && (Status(err) == 0 || Status(err) >= http.StatusInternalServerError) && !errors.Is(err, ErrChecksum)
		if !again || attempt >= b.options.Attempts || ctx.Err() != nil || !pause.For(ctx, b.options.Pause) {
			return response, err
		}
	}
}

// once makes the call. Without credentials the error is role.ErrNone, or that of the role.
func (b *Bucket) once(ctx context.Context, c *call) (*http.Response, error) {
	credentials, err := b.role(ctx)
	if err == nil && credentials.SecretID.IsEmpty() {
		err = role.ErrNone
	}
	if err != nil {
		return nil, err
	}
	target := *b.base
	target.Path, target.RawQuery = "/"+c.key, c.query.Encode()
	var (
		body *checked
		read io.Reader
	)
	if c.size > 0 {
		body = newChecked(c.content())
		read = body
	}
	request, err := http.NewRequestWithContext(ctx, c.method, target.String(), read)
	if err != nil {
		return nil, err
	}
	request.ContentLength = c.size
	maps.Copy(request.Header, c.header)
	sign(request, credentials, time.Now())
	response, err := b.Pool.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if b.options.MaxAnswer > 0 {
		response.Body = http.MaxBytesReader(nil, response.Body, b.options.MaxAnswer)
	}
	switch {
	case response.StatusCode < 200 || response.StatusCode > 299:
		err = refused(response)
	case body != nil:
		err = body.arrived(response.Header)
	}
	if err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return response, nil
}

// maxError bounds the body of an answer that says what went wrong, in bytes.
const maxError = 64 << 10

// refusal is an answer with another status than 2xx.
type refusal struct {
	status int
	code   string // as it was sent: not to be shown
}

// Error implements error. The text tells nothing of the answer.
func (*refusal) Error() string { return "the service refused" }

func refused(response *http.Response) error {
	var answer struct{ Code string }
	text, err := io.ReadAll(io.LimitReader(response.Body, maxError))
	if err = cmp.Or(err, xml.Unmarshal(text, &answer)); err != nil {
		answer.Code = "" // a proxy's, say
	}
	return &refusal{response.StatusCode, answer.Code}
}
