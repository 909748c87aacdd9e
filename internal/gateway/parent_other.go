//go:build !linux

package gateway

import "syscall"

// dieWithParent does nothing here: only Linux can tie a process to its parent. Close ends it.
func dieWithParent() *syscall.SysProcAttr { return nil }
