// Package onecpu has the function run on one processor. The platform gives an instance less than one, below
// 1280 MB of memory: a thousandth for each 1.28 MB (quotas, document 583). Goroutines that hand over to each
// other across threads pay for waking them, a quarter to a third of what a small answer costs, and the threads
// take a seventh of a cold start.
package onecpu

import (
	"runtime"
	"syscall"
)

var all int

// It is done before other packages are initialized, as this one imports next to nothing: later, the
// threads are there already.
func init() {
	if _, isSet := syscall.Getenv("GOMAXPROCS"); !isSet {
		all = runtime.GOMAXPROCS(1)
	}
}

// All returns how many processors Go would have used, 0 where GOMAXPROCS says how many.
func All() int { return all }
