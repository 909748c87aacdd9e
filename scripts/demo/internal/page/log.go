package page

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"
)

const (
	// mostLines is how many lines a log keeps: more than a request leaves.
	mostLines = 500
	// lineWait is how long a request's line is waited for: it comes through a pipe.
	lineWait = 2 * time.Second
)

// Log keeps the last lines that a function wrote. It is an io.Writer for the function's output; its
// zero value is ready.
type Log struct {
	mu      sync.Mutex
	partial []byte // of a line that has not ended
	lines   []string
	count   int // of all lines that ever were
	grown   chan struct{}
}

// Write takes output. It never fails.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = append(l.partial, p...)
	for {
		line, rest, ended := bytes.Cut(l.partial, []byte("\n"))
		if !ended {
			break
		}
		l.lines = append(l.lines, string(line))
		l.count++
		l.partial = rest
	}
	if len(l.lines) > mostLines {
		l.lines = slices.Clone(l.lines[len(l.lines)-mostLines:])
	}
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
	return len(p), nil
}

// mark is a place in the log: what comes later is since it.
func (l *Log) mark() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// since returns the lines since a mark, and a channel that is closed when there are more.
func (l *Log) since(mark int) ([]string, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.grown == nil {
		l.grown = make(chan struct{})
	}
	return slices.Clone(l.lines[len(l.lines)-min(l.count-mark, len(l.lines)):]), l.grown
}

// of returns what a request left since a mark: lines with its id and, up to its last one, those
// without any. It waits for the request's own line, with a bound.
func (l *Log) of(ctx context.Context, id string, mark int) []string {
	ctx, cancel := context.WithTimeout(ctx, lineWait)
	defer cancel()
	for {
		lines, grown := l.since(mark)
		var own []string
		found := false
		for _, line := range lines {
			var is struct {
				RequestID string `json:"request_id"`
				Msg       string
			}
			_ = json.Unmarshal([]byte(line), &is) // what is no JSON has no id
			if is.RequestID != "" && is.RequestID != id {
				continue
			}
			own = append(own, line)
			if is.RequestID != "" { // its own
				found = true
				break
			}
		}
		if found {
			return own
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return own
		}
	}
}
