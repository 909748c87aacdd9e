// Package onecpu has the function run on one processor. The platform gives an instance less than one, below
// 1280 MB of memory: a thousandth for each 1.28 MB (quotas, document 583). Goroutines that hand over to each
// other across threads pay for waking them, a quarter to a third of what a small answer costs, and the threads
// take a seventh of a cold start. GOMAXPROCS says otherwise where an instance has more.
package onecpu

import (
	"runtime"
	"syscall"
)

// It is done before other packages are initialized, as this one imports next to nothing: later, the
// threads are there already.
func init() {
	if _, isSet := syscall.Getenv("GOMAXPROCS"); !isSet {
		runtime.GOMAXPROCS(1)
	}
}
