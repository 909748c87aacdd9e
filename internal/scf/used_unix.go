//go:build unix

package scf

import (
	"syscall"
	"time"
)

// processorTime returns the processor time that the process has used.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it has no error with these arguments
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
