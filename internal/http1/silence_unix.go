//go:build unix

package http1

import (
	"net"
	"syscall"
)

// silence returns what looks, without waiting, whether a connection has nothing to be read; nil for one that is
// not of the system.
func silence(c net.Conn) func() bool {
	s, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return func() bool { return false }
	}
	var b [1]byte
	found := error(nil)
	look := func(fd uintptr) bool {
		_, _, found = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT) // #nosec G115 -- a descriptor
		return true
	}
	return func() bool { return raw.Read(look) == nil && found == syscall.EAGAIN }
}
