//go:build unix

package war

import (
	"os"
	"syscall"
)

// stop freezes a process, or has it go on.
func stop(p *os.Process, frozen bool) error {
	if frozen {
		return p.Signal(syscall.SIGSTOP)
	}
	return p.Signal(syscall.SIGCONT)
}
