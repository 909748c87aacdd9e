package delivery

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"kyc-ocr-relay/internal/order"
	"kyc-ocr-relay/internal/pause"
	"kyc-ocr-relay/internal/redact"
	"kyc-ocr-relay/internal/roots"
	"kyc-ocr-relay/internal/secret"
)

const (
	// hookTimeout bounds one attempt: a receiver is to take note and answer.
	hookTimeout = 5 * time.Second
	// hookPause is between the two attempts, for a receiver that is being restarted.
	hookPause = time.Second
	// hookAnswer is how much of an answer is read, to keep the connection; nobody
	// looks at it.
	hookAnswer = 64 << 10
)

// webhook is told of results, as Standard Webhooks describes.
type webhook struct {
	url    secret.Text // its query may be a password
	tag    string      // names it in marks and errors
	key    secret.Text
	client *http.Client
}

func newWebhook(u *url.URL, key secret.Text) *webhook {
	sum := sha256.Sum256([]byte(u.String()))
	return &webhook{
		url: secret.New(u.String()),
		tag: u.Hostname() + "-" + hex.EncodeToString(sum[:3]),
		key: key,
		client: &http.Client{
			Timeout: hookTimeout,
			Transport: &http.Transport{
				TLSClientConfig:        roots.Config(u.Hostname()),
				TLSHandshakeTimeout:    hookTimeout,
				IdleConnTimeout:        30 * time.Second, // a frozen instance does not see one close
				MaxResponseHeaderBytes: 64 << 10,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// signingKey reads the secret in either form.
func signingKey(s secret.Text) (secret.Text, error) {
	encoded, ok := strings.CutPrefix(s.Reveal(), "whsec_")
	if !ok {
		return s, nil
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) == 0 {
		return s, errors.New("the webhook secret has no Base64 behind whsec_")
	}
	return secret.New(string(key)), nil
}

// payload is what a webhook is told.
type payload struct {
	event string
	id    string // the same whenever the same is told
	data  []byte // JSON
}

func delivered(o order.Order, document []byte) payload {
	var b bytes.Buffer
	// The parts of an Order need no escapes; the document stays as it is.
	fmt.Fprintf(&b, `{"app_id":"%s","type":"%s","order_no":"%s","result":`, o.AppID, o.Type, o.No)
	b.Write(document)
	b.WriteByte('}')
	return payload{"ocr.delivered", messageID("ocr.delivered", o.String()), b.Bytes()}
}

func rejected(r Rejection) payload {
	data, err := json.Marshal(struct {
		Name string `json:"name"`
		Rejection
	}{r.Name(), r})
	if err != nil {
		panic(err) // text does not fail
	}
	return payload{"ocr.rejected", messageID("ocr.rejected", r.Name()), data}
}

func messageID(event, name string) string {
	sum := sha256.Sum256([]byte(event + "\n" + name))
	return "msg_" + hex.EncodeToString(sum[:16])
}

// post tells p, again once where that may help.
func (h *webhook) post(ctx context.Context, p payload) error {
	again, err := h.once(ctx, p)
	if again && pause.For(ctx, hookPause) {
		_, err = h.once(ctx, p)
	}
	if err != nil {
		return fmt.Errorf("webhook %s: %w", h.tag, err)
	}
	return nil
}

func (h *webhook) once(ctx context.Context, p payload) (again bool, err error) {
	now := time.Now()
	body := fmt.Appendf(nil, `{"type":"%s","timestamp":"%s","data":`, p.event, now.UTC().Format(time.RFC3339Nano))
	body = append(append(body, p.data...), '}')
	timestamp := strconv.FormatInt(now.Unix(), 10)

	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url.Reveal(), bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the request cannot be made") // the error quotes the URL
	}
	request.Header = http.Header{
		"Content-Type":      {"application/json"},
		"User-Agent":        {"kyc-ocr-relay"},
		"Webhook-Id":        {p.id},
		"Webhook-Timestamp": {timestamp},
		"Webhook-Signature": {h.sign(p.id, timestamp, body)},
	}
	response, err := h.client.Do(request)
	if err != nil {
		return true, redact.Error(err)
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, hookAnswer)
	switch status := response.StatusCode; {
	case status >= 200 && status < 300:
		return false, nil
	case status >= 300 && status < 400:
		return false, fmt.Errorf("answered %d: a redirect, which is not followed", status)
	default:
		return status >= 500 || status == 408 || status == 429, fmt.Errorf("answered %d", status)
	}
}

// sign returns the signature of a message (standardwebhooks.com, symmetric).
func (h *webhook) sign(id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(h.key.Reveal()))
	_, _ = io.WriteString(mac, id+"."+timestamp+".")
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
