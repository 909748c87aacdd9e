//go:build !unix

package scf

import "time"

// processorTime is not known here: one processor has to do, or GOMAXPROCS says how many.
func processorTime() time.Duration { return 0 }
