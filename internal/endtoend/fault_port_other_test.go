//go:build !linux

package endtoend

func keepPort(int) (free func()) { panic("the test is skipped") }
