package budget

import "sync/atomic"

// maxLast is the largest buffer that an event function keeps, in bytes: that of its largest response.
const maxLast = 6<<20 + 1<<10

// Last has the buffer of the last answer for the next one: memory that is touched for the first time
// costs more than what is done with it. It is for an instance that has one event at a time, and gets the
// next one when the answer to the last has arrived, as an event function of the platform does. Events
// that overlap all the same have memory of their own.
type Last struct {
	events atomic.Int32
	buffer []byte // of whoever began alone
}

// Begin returns the memory for an event's answers, until End.
func (l *Last) Begin() *Lent {
	return &Lent{last: l, alone: l.events.Add(1) == 1}
}

// Lent is what an event has of a Last. It implements upstream.Memory, and is for one goroutine.
type Lent struct {
	last  *Last
	alone bool // when it began
	taken int  // bytes of the buffer
}

// End says that the event ends. What it took is to be read no more once the next one begins.
func (l *Lent) End() { l.last.events.Add(-1) }

// Take implements upstream.Memory: n bytes, whatever is in them.
func (l *Lent) Take(n int) ([]byte, bool) {
	if !l.alone || l.taken > 0 || n > maxLast {
		return make([]byte, n), true
	}
	if n > cap(l.last.buffer) {
		l.last.buffer = make([]byte, n)
	}
	l.taken = n
	return l.last.buffer[:n], true
}

// Give implements upstream.Memory.
func (l *Lent) Give(n int) {
	if n >= l.taken { // all that there was
		l.taken = 0
	}
}
