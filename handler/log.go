package handler

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"kyc-ocr-relay/internal/order"
	"kyc-ocr-relay/internal/redact"
	"kyc-ocr-relay/internal/upstream"
)

// logLine is what the log says of one request: flat, because the platform's log
// service indexes one level.
type logLine struct {
	start   time.Time
	id      string
	route   string
	typ     upstream.Type
	product string // of a face verification; of a check, what it is of
	app     string
	order   string // an order number, of which the line has the hash
	caller  string
	trace   upstream.Trace
	age     time.Duration // of a pair that was lent
	failed  string        // our code
	detail  string
}

// guard has f answer, makes a panic in it an answer, too, and writes the line.
func (l *logLine) guard(log *slog.Logger, f func() *response) (resp *response) {
	if panicked := caught(func() { resp = f() }); panicked != "" {
		l.detail = panicked
		resp = l.fail(failInternal)
	}
	l.write(log, resp)
	return resp
}

// caught calls f. Where f panics it says what the panic was, for the log.
func caught(f func()) (panicked string) {
	defer func() {
		if cause := recover(); cause != nil {
			panicked = redact.Panic(cause)
		}
	}()
	f()
	return ""
}

// fail notes a failure and makes it the response.
func (l *logLine) fail(f failure) *response {
	l.failed = f.code
	if l.detail == "" {
		l.detail = f.msg
	}
	return f.response(l.id)
}

func (l *logLine) write(log *slog.Logger, resp *response) {
	if l.failed == codeConfiguration { // nothing else is known then
		log.Error("configuration", "request_id", l.id, "status", resp.status, "error", l.failed, "detail", l.detail)
		return
	}
	level := slog.LevelInfo
	if resp.status >= 500 {
		level = slog.LevelWarn
	}
	if !log.Enabled(context.Background(), level) {
		return
	}
	now := time.Now()
	attrs := make([]slog.Attr, 0, 16)
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	add("request_id", l.id)
	add("route", l.route)
	add("type", string(l.typ))
	add("product", l.product)
	add("app_id", l.app)
	add("order", order.Hash(l.order))
	add("caller", l.caller)
	attrs = append(attrs, slog.Int("status", resp.status))
	add("error", l.failed)
	add("detail", l.detail)
	attrs = l.trace.AppendTo(attrs)
	if l.age > 0 {
		attrs = append(attrs, slog.Int64("pair_age_s", int64(l.age/time.Second)))
	}
	attrs = append(attrs, upstream.Milliseconds("total_ms", now.Sub(l.start)), slog.Int("bytes", len(resp.body)))
	// A Logger would look for the line of the source, which is always this one.
	record := slog.NewRecord(now, level, "request", 0)
	record.AddAttrs(attrs...)
	_ = log.Handler().Handle(context.Background(), record)
}

// requestID returns the platform's id if it can stand in a header and a log, else a
// fresh one.
func requestID(id string) string {
	if id == "" || len(id) > 128 {
		return rand.Text()
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' {
			return rand.Text()
		}
	}
	return id
}
