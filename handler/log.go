package handler

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"kyc-ocr-relay/internal/upstream"
)

// logLine is what the log says of one invocation: flat, because the platform's log
// service indexes one level.
type logLine struct {
	start    time.Time
	id       string
	route    string
	typ      upstream.Type
	app      string
	order    string // a hash
	caller   string
	ticket   string // state of the pair; rejected, replaced
	code     string // of the upstream
	attempts int
	upstream time.Duration
	failed   string // our code
	detail   string
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
	add("app_id", l.app)
	add("order", l.order)
	add("caller", l.caller)
	attrs = append(attrs, slog.Int("status", resp.status))
	add("error", l.failed)
	add("detail", l.detail)
	add("upstream_code", l.code)
	add("ticket", l.ticket)
	attrs = append(attrs,
		slog.Int("attempts", l.attempts),
		slog.Float64("upstream_ms", milliseconds(l.upstream)),
		slog.Float64("total_ms", milliseconds(now.Sub(l.start))),
		slog.Int("bytes", len(resp.body)),
	)
	// A Logger would look for the line of the source, which is always this one.
	record := slog.NewRecord(now, level, "request", 0)
	record.AddAttrs(attrs...)
	_ = log.Handler().Handle(context.Background(), record)
}

// milliseconds with two decimals: enough, and short.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}

// orderHash stands for an order number in the log: enough to find its lines.
func orderHash(order string) string {
	if order == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(order))
	return hex.EncodeToString(sum[:6])
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

// panicked tells of a panic, to the deferred function that recovered it: the type of its
// cause and the place. The value may quote anything.
func panicked(cause any) string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "runtime.") || !more {
			return fmt.Sprintf("panic (%T) at %s:%d", cause, frame.Function, frame.Line)
		}
	}
}
