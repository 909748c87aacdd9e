package upstream

import (
	"errors"
	"log/slog"
	"time"
)

// PhotosLimit bounds an answer of which the photos are taken out: an upload may have 20 MB,
// and an answer carries several photos (document 1007).
const PhotosLimit = 64 << 20

// Trace is what one request came to, for its line of the log.
type Trace struct {
	Ticket   string        // the state of the app's pair, or what became of it
	Hopeless bool          // the upstream rejects whatever pair it is asked with
	Code     string        // of the last answer
	Attempts int           // of all calls
	Time     time.Duration // that they took
}

// Note adds a call that returned answer or err.
func (t *Trace) Note(took time.Duration, answer *Answer, err error) {
	t.Time += took
	if err == nil {
		t.Attempts += answer.Attempts
		t.Code = answer.Code
		return
	}
	var call *Error
	if errors.As(err, &call) {
		t.Attempts += call.Attempts
	}
}

// AppendTo appends the attributes of the line to attrs. Times are in milliseconds.
func (t *Trace) AppendTo(attrs []slog.Attr) []slog.Attr {
	if t.Code != "" {
		attrs = append(attrs, slog.String("upstream_code", t.Code))
	}
	if t.Ticket != "" {
		attrs = append(attrs, slog.String("ticket", t.Ticket))
	}
	return append(attrs, slog.Int("attempts", t.Attempts), Milliseconds("upstream_ms", t.Time))
}

// Milliseconds returns an attribute with d in milliseconds, with two decimals: enough, and
// short.
func Milliseconds(key string, d time.Duration) slog.Attr {
	return slog.Float64(key, float64(d.Round(10*time.Microsecond))/float64(time.Millisecond))
}
