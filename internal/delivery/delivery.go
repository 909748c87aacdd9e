// Package delivery hands over results after an OCR or a face verification: to archives, which keep a result with
// its photos, and to webhooks, which are told of it. Whatever fails can be tried
// again: only what is missing is done.
//
// An archive holds
//
//	{app_id}/{type}/{order_no}/{photo}.jpg    of a face verification photo.jpg, video.mp4
//	{app_id}/{type}/{order_no}/result.json    last: the commit mark
//	undelivered/{app_id}/{type}/{order_no}.order    the mark: somebody was not told
//	rejected/{hash of the message}.json
package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"kyc-ocr-relay/internal/order"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
)

func documentKey(o order.Order) string { return o.String() + "/result.json" }
func markKey(o order.Order) string     { return "undelivered/" + o.String() + ".order" }

// Config configures Sinks.
type Config struct {
	// To has the URLs of the sinks: file:///dir, cos://bucket-appid.region/prefix with
	// or without ?endpoint=, https://host/path (http on loopback).
	To []secret.Text
	// Secret signs webhooks: whsec_ and the key in Base64, or the key itself.
	Secret secret.Text
	// Role gives the credentials for COS, at each request.
	Role role.Source
}

// Sinks are the places that every result goes to. They are safe for concurrent use.
type Sinks struct {
	archives []archive // each keeps marks of its own
	hooks    []*webhook
}

// archive keeps blobs by key, with / between the segments. A write takes place whole
// or not at all, and lasts when it has returned.
type archive interface {
	has(ctx context.Context, key string) (bool, error)
	// read returns errAbsent where there is no such key.
	read(ctx context.Context, key string) ([]byte, error)
	write(ctx context.Context, key string, b blob) error
	// remove returns nil where there is no such key.
	remove(ctx context.Context, key string) error
	close()
}

var (
	errAbsent   = errors.New("not there")
	errTooLarge = errors.New("too large")
)

// maxDocument bounds what is read back from an archive: documents without photos have
// a few kilobytes, but a photo that is no Base64 stays in its document.
const maxDocument = 64 << 20

// Open returns the sinks of c. It connects to nothing.
func Open(c Config) (*Sinks, error) {
	s := &Sinks{}
	for i, location := range c.To {
		u, err := url.Parse(location.Reveal())
		if err != nil {
			return nil, fmt.Errorf("sink %d is not a URL", i+1) // the error would quote it
		}
		switch u.Scheme {
		case "file":
			s.archives = append(s.archives, newFolder(u.Path))
		case "cos":
			a, err := newCOSArchive(u, c.Role)
			if err != nil {
				return nil, fmt.Errorf("sink %d: %w", i+1, err)
			}
			s.archives = append(s.archives, a)
		case "https", "http":
			key, err := signingKey(c.Secret)
			if err != nil {
				return nil, err
			}
			s.hooks = append(s.hooks, newWebhook(u, key))
		default:
			return nil, fmt.Errorf("sink %d has an unknown scheme", i+1)
		}
	}
	if len(s.archives)+len(s.hooks) == 0 {
		return nil, errors.New("no sink")
	}
	return s, nil
}

// Close closes idle connections.
func (s *Sinks) Close() {
	for _, a := range s.archives {
		a.close()
	}
	for _, h := range s.hooks {
		h.client.CloseIdleConnections()
	}
}

// tags names the webhooks.
func (s *Sinks) tags() []string {
	tags := make([]string, len(s.hooks))
	for i, h := range s.hooks {
		tags[i] = h.tag
	}
	return tags
}

// readAll reads what an archive keeps under a key.
func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err == nil && len(data) > maxDocument {
		err = errTooLarge
	}
	return data, err
}

// together joins errors in one line; nil where there are none.
func together(errs []error) error {
	var texts []string
	for _, err := range errs {
		if err != nil {
			texts = append(texts, err.Error())
		}
	}
	if texts == nil {
		return nil
	}
	return errors.New(strings.Join(texts, "; "))
}
