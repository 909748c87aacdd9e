//go:build unix

package endtoend

import (
	"net"
	"os/exec"
	"testing"
	"time"
)

// redisServer is a real one, that forgets everything when it stops.
type redisServer struct {
	address string
	dir     string
	process *exec.Cmd
}

func startRedis(t *testing.T) *redisServer {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("no redis-server is installed")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &redisServer{address: listener.Addr().String(), dir: t.TempDir()}
	listener.Close()
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

func (s *redisServer) start(t *testing.T) {
	t.Helper()
	host, port, _ := net.SplitHostPort(s.address)
	s.process = exec.Command("redis-server", "--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir", s.dir)
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not listen")
		}
		wait(t.Context(), 10*time.Millisecond)
	}
}

func (s *redisServer) stop() {
	s.process.Process.Kill()
	s.process.Wait()
}

// restart takes the server away for a while. It comes back empty.
func (s *redisServer) restart(t *testing.T, away time.Duration) {
	s.stop()
	wait(t.Context(), away)
	s.start(t)
}
