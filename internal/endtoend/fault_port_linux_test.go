package endtoend

import "syscall"

// keepPort binds a socket to a port of 127.0.0.1 and does not listen: connections are
// refused, and the system gives the port to nobody else.
func keepPort(port int) (free func()) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	}
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		panic(err)
	}
	return func() { _ = syscall.Close(fd) }
}
