// Package budget admits requests by the memory that their answers take, so that many at
// once do not end a small instance.
package budget

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// What the answers in flight may take of a Web function's memory. Together with the
// program, with garbage and with buffers kept for reuse that is less than the 128 MB of
// a small instance; the soft limit in internal/scf keeps the collector to it.
const (
	// photoMemory is for answers with photos. The largest that the upstream's client reads
	// (upstream.PhotosLimit) has all of it to itself.
	photoMemory = 64 << 20

	// plainMemory comes on top for answers without photos, so that slow readers of large
	// ones do not keep them out.
	plainMemory = 8 << 20
)

// What a request is admitted with, until the size of its answer is known.
const (
	// overhead is what a request takes besides its answer: two connections with their
	// buffers and goroutines.
	overhead = 32 << 10

	plainShare = overhead + 16<<10  // the first chunk of an answer of unknown size
	photoShare = overhead + 224<<10 // unless answers were larger lately

	// mostShare is what they are admitted with at the most, however large they were: the
	// five of an ID card. More would keep out requests that need little.
	mostShare = photoMemory / 8
)

// Budget is the memory for answers that are being read and written. It never makes
// anybody wait: a waiting request takes memory, too. It is safe for concurrent use.
type Budget struct {
	left  atomic.Int64
	usual atomic.Int64 // what answers with photos took lately, a moving mean
}

// New returns a Budget of which nothing is taken.
func New() *Budget {
	b := &Budget{}
	b.left.Store(photoMemory + plainMemory)
	b.usual.Store(photoShare)
	return b
}

// take takes n bytes if that leaves as many as keep.
func (b *Budget) take(n, keep int64) bool {
	for {
		left := b.left.Load()
		if left-n < keep {
			return false
		}
		if b.left.CompareAndSwap(left, left-n) {
			return true
		}
	}
}

// expect takes note of what an answer with photos took.
func (b *Budget) expect(n int64) {
	usual := b.usual.Load()
	b.usual.Store(min(mostShare, usual+(n-usual)/8))
}

// Left returns how many bytes nobody holds.
func (b *Budget) Left() int64 { return b.left.Load() }

// Hold is what one request has of a Budget. It is for one goroutine. Nothing is held
// before Admit and after Release.
type Hold struct {
	budget *Budget
	photos bool
	taken  int64
	used   int64
	most   int64 // that was used, or would have been
}

// Hold returns the hold of a request that has taken nothing yet.
func (b *Budget) Hold() *Hold { return &Hold{budget: b} }

// Admit takes what the request is expected to need, before the upstream is asked, and
// reports whether there was as much.
func (h *Hold) Admit(photos bool) bool {
	n, keep := int64(plainShare), int64(0)
	if photos {
		n, keep = max(photoShare, h.budget.usual.Load()), plainMemory
	}
	if !h.budget.take(n, keep) {
		if photos {
			h.budget.expect(photoShare) // else a wrong estimate would refuse all who could mend it
		}
		return false
	}
	h.photos, h.taken, h.used = photos, n, overhead
	return true
}

// Take implements upstream.Memory: once the size of the answer is known, that counts.
func (h *Hold) Take(n int) ([]byte, bool) {
	if !h.need(h.used + int64(n)) {
		return nil, false
	}
	return buffer(n), true
}

// Give implements upstream.Memory.
func (h *Hold) Give(n int) { h.need(h.used - int64(n)) }

// need makes used what is used now. One request never needs more than there is: the
// largest answer is admitted, alone.
func (h *Hold) need(used int64) bool {
	h.most = max(h.most, used)
	taken := min(used, photoMemory)
	if taken > h.taken && !h.budget.take(taken-h.taken, plainMemory) {
		return false
	}
	if taken < h.taken {
		h.budget.left.Add(h.taken - taken)
	}
	h.taken, h.used = taken, used
	return true
}

// Release ends the hold, when the answer has been written.
func (h *Hold) Release() {
	if h.taken == 0 {
		return
	}
	if h.photos && h.most > overhead {
		h.budget.expect(h.most)
	}
	h.budget.left.Add(h.taken)
	h.taken = 0
}

// The buffers that are kept for reuse.
const (
	minSpare = 1 << 10
	maxSpare = 2 << 20
)

// spares has buffers of answers that were written, by the length of their size: none is
// used for an answer of less than half of it.
var spares [22]sync.Pool

// buffer returns n bytes, whatever is in them.
func buffer(n int) []byte {
	if n >= minSpare && n <= maxSpare {
		if b, ok := spares[bits.Len(uint(n-1))].Get().(*[]byte); ok && cap(*b) >= n {
			return (*b)[:n]
		}
	}
	return make([]byte, n)
}

// Keep keeps a buffer that Take gave for another answer. The caller uses it no more.
func Keep(b []byte) {
	if cap(b) >= minSpare && cap(b) <= maxSpare {
		spares[bits.Len(uint(cap(b)-1))].Put(&b)
	}
}
