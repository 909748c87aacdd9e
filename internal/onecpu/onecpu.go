// Package onecpu has an event function run on one processor. It has one event at a time, which waits for
// one thing at a time: goroutines that hand over to each other across threads pay for waking them, a third
// of what a small answer costs, and the threads take a seventh of a cold start.
package onecpu

import (
	"runtime"
	"syscall"
)

// It is done before other packages are initialized, as this one imports next to nothing: later, the
// threads are there already.
func init() {
	_, isEvent := syscall.Getenv("_LAMBDA_SERVER_PORT")
	_, isSet := syscall.Getenv("GOMAXPROCS")
	if isEvent && !isSet {
		runtime.GOMAXPROCS(1)
	}
}
