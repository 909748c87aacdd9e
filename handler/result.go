package handler

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

const jsonType = "application/json; charset=utf-8"

// photoLimit bounds an answer of which one photo is handed on: an upload may have
// 20 MB, and an answer carries several photos (document 1007).
const photoLimit = 64 << 20

// result hands on the upstream's answer as it is.
func (r *Relay) result(ctx context.Context, q upstream.Query, limit int, line *logLine) *response {
	q.Limit = limit
	answer, err := r.ask(ctx, q, line)
	if err != nil {
		return line.fail(failed(err))
	}
	return relay(answer)
}

func relay(answer *upstream.Answer) *response {
	resp := &response{status: statuses[answer.Class], contentType: jsonType, body: answer.Body, buffer: answer.Buffer, marks: answer.Marks}
	if answer.Class == upstream.Throttled {
		resp.retryAfter = throttleSeconds
	}
	return resp
}

// photo hands on one photo of the result, as the Base64 text that the upstream sent.
func (r *Relay) photo(ctx context.Context, q upstream.Query, name string, limit int, line *logLine) *response {
	q.WithPhotos, q.WithNative, q.Limit = true, false, photoLimit
	answer, err := r.ask(ctx, q, line)
	if err != nil {
		return line.fail(failed(err))
	}
	if answer.Class != upstream.Success {
		if resp := relay(answer); len(resp.body) <= limit {
			return resp
		}
		return line.fail(failTooLarge)
	}
	text := answer.Photo(name)
	if len(text) == 0 {
		return line.fail(failNoPhoto)
	}
	if !isBase64(text) {
		return line.fail(failBadPhoto)
	}
	if base64.StdEncoding.DecodedLen(len(text)) > limit {
		return line.fail(failPhotoTooLarge)
	}
	return &response{status: 200, contentType: sniff(text), body: text, base64: true, buffer: answer.Buffer}
}

// Query asks for a result as the routes do, for a program that has no HTTP. It blocks
// until the renewals it began have ended, too.
func (r *Relay) Query(ctx context.Context, q upstream.Query) (*upstream.Answer, error) {
	return r.ask(ctx, q, new(logLine))
}

// ask queries as askHere does. Where the upstream does not accept what the app has, its
// secret may have been replaced: then the Relay with the new one is asked, once.
func (r *Relay) ask(ctx context.Context, q upstream.Query, line *logLine) (*upstream.Answer, error) {
	answer, err := r.askHere(ctx, q, line)
	if r.successor == nil || !refused(answer, err) {
		return answer, err
	}
	next := r.successor(ctx, r)
	if next == nil || !slices.Contains(next.Apps, q.AppID) {
		return answer, err
	}
	return next.askHere(ctx, q, line)
}

// refused reports whether the upstream accepts neither the app's secret nor, as far as
// that was tried, what it had issued for it.
func refused(answer *upstream.Answer, err error) bool {
	var f *ticket.Failure
	return errors.As(err, &f) && f.Refused || err == nil && answer.Class == upstream.Rejected
}

// askHere queries with the app's ticket. It returns after the renewals it began have
// ended.
func (r *Relay) askHere(ctx context.Context, q upstream.Query, line *logLine) (*upstream.Answer, error) {
	var answer *upstream.Answer
	outcome, err := r.Tickets.Do(ctx, q.AppID, func(pair *ticket.Pair) (rejected bool, err error) {
		answer, err = r.once(ctx, q, pair, line)
		return err == nil && answer.Class == upstream.Rejected, err
	})
	line.ticket = string(outcome)
	if err != nil {
		return nil, err
	}
	if outcome == ticket.Renewed {
		r.warnVoided(q.AppID)
	}
	return answer, nil
}

// warnVoided says that a pair ended before its time, which another server of the
// same app brings about, and what to do.
func (r *Relay) warnVoided(app string) {
	remedy := "let every server of this app use this function, or the same TICKET_STORE"
	if r.StoreKind == "memory" {
		remedy = "with TICKET_STORE=memory every instance is a server of its own: set it to redis, cos or file; and let no other server fetch tickets for this app"
	}
	r.Log.Warn("ticket voided by another server", "app_id", app, "remedy", remedy)
}

// once queries with one pair.
func (r *Relay) once(ctx context.Context, q upstream.Query, pair *ticket.Pair, line *logLine) (*upstream.Answer, error) {
	q.Ticket = pair.Ticket
	start := time.Now()
	answer, err := r.Upstream.Result(ctx, q)
	line.upstream += time.Since(start)
	if err != nil {
		var call *upstream.Error
		if errors.As(err, &call) {
			line.attempts += call.Attempts
		}
		return nil, err
	}
	line.attempts += answer.Attempts
	line.code = answer.Code
	return answer, nil
}

// sniff tells the type of an image from its first bytes. Anything else is sent as
// bytes without a meaning: a browser must not take it for a page.
func sniff(text []byte) string {
	head := text[:min(len(text), 684)] // 512 bytes, as much as is looked at
	decoded := make([]byte, base64.StdEncoding.DecodedLen(len(head)))
	n, _ := base64.StdEncoding.Decode(decoded, head)
	if typ := http.DetectContentType(decoded[:n]); strings.HasPrefix(typ, "image/") {
		return typ
	}
	return "application/octet-stream"
}

// isBase64 reports whether text is standard Base64 with padding.
func isBase64(text []byte) bool {
	if len(text) == 0 || len(text)%4 != 0 {
		return false
	}
	for range 2 {
		if text[len(text)-1] == '=' {
			text = text[:len(text)-1]
		}
	}
	for _, c := range text {
		if !base64Digits[c] {
			return false
		}
	}
	return true
}

var base64Digits = func() (is [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		is[c] = true
	}
	return is
}()
