package redact

import (
	"fmt"
	"runtime"
	"strings"
)

// Panic says what a panic was, to the deferred function that has recovered cause, for the
// log: its type and its place. The value itself may quote anything.
func Panic(cause any) string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "runtime.") || !more {
			return fmt.Sprintf("panic (%T) at %s:%d", cause, frame.Function, frame.Line)
		}
	}
}
