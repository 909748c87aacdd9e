package budget

import "testing"

func TestLast(t *testing.T) {
	var l Last
	take := func(from *Lent, n int) []byte {
		t.Helper()
		b, ok := from.Take(n)
		if !ok || len(b) != n {
			t.Fatalf("%d bytes, %t, want %d", len(b), ok, n)
		}
		return b
	}
	same := func(a, b []byte) bool { return &a[0] == &b[0] }
	first := l.Begin()
	large := take(first, 1000)
	if same(large, take(first, 10)) {
		t.Error("two buffers of one event are one")
	}
	first.Give(10) // of which this one was not given back
	if same(large, take(first, 10)) {
		t.Error("a buffer is lent twice")
	}
	first.Give(1000)
	if !same(large, take(first, 500)) {
		t.Error("what was given back is not used")
	}
	other := l.Begin()
	if same(large, take(other, 500)) {
		t.Error("two events at a time have one buffer")
	}
	first.End()
	third := l.Begin()
	if same(large, take(third, 500)) {
		t.Error("an event that began beside another one has the buffer of the last")
	}
	other.End()
	third.End()
	next := l.Begin()
	if got := take(next, 1000); !same(large, got) {
		t.Error("the next event has another buffer")
	}
	next.End()
	next = l.Begin()
	if larger := take(next, 1001); same(large, larger) {
		t.Error("a buffer that is too small")
	}
	next.End()
	next = l.Begin()
	take(next, maxLast+1)
	next.End()
	if cap(l.buffer) > maxLast {
		t.Errorf("%d bytes are kept", cap(l.buffer))
	}
}
