package scf

import (
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"kyc-ocr-relay/internal/onecpu"
)

// A Web function takes all processors that there are from a share of one on that it uses, with so many requests
// at a time: fewer gain nothing. It goes back to one below another share. Where the platform gives it less than
// one, as with less memory than 1280 MB, it hardly comes to that.
const (
	busy  = 0.5
	crowd = 8
	calm  = 0.25
)

// A look at the time that was used comes once in so many requests, and not before so long.
const (
	lookRequests = 64
	lookAfter    = 50 * time.Millisecond
)

// processors has Go run on one processor, or on all as long as they pay.
type processors struct {
	all      int
	used     func() time.Duration // of processors, by the process
	set      func(int) int
	requests atomic.Uint32
	atOnce   atomic.Int32

	mu    sync.Mutex
	many  bool
	quiet int       // looks in a row that found it calm
	at    time.Time // of the last look
	then  time.Duration
}

func newProcessors() *processors {
	return &processors{all: onecpu.All(), used: processorTime, set: runtime.GOMAXPROCS}
}

// serving wraps a handler, whose requests are counted.
func (p *processors) serving(h http.Handler) http.Handler {
	if p.all <= 1 {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer p.atOnce.Add(-1)
		if now := p.atOnce.Add(1); p.requests.Add(1)%lookRequests == 0 {
			p.look(time.Now(), now >= crowd)
		}
		h.ServeHTTP(w, r)
	})
}

func (p *processors) look(now time.Time, crowded bool) {
	if !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	elapsed := now.Sub(p.at)
	if elapsed < lookAfter {
		return
	}
	used := p.used()
	share := float64(used-p.then) / float64(elapsed)
	p.at, p.then = now, used
	if share < calm {
		p.quiet++ // the first may tell of the pause before this burst, or of the time before the process
	} else {
		p.quiet = 0
	}
	switch {
	case !p.many && crowded && share > busy:
		p.many = true
		p.set(p.all)
	case p.many && p.quiet > 1:
		p.many = false
		p.set(1)
	}
}
