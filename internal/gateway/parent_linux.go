package gateway

import "syscall"

// dieWithParent has the kernel kill the function when the thread that started it ends, and so at the
// latest when this process does: a test that crashes or is killed leaves no function behind.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
