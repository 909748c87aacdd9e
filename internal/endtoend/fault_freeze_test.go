//go:build unix

package endtoend

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	goruntime "runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kyc-ocr-relay/internal/simulator"
)

// connections are those that the upstream's server has accepted.
type connections struct {
	mu   sync.Mutex
	list []net.Conn
}

func (c *connections) serve(server *httptest.Server) {
	server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		if state == http.StateNew {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.list = append(c.list, conn)
		}
	}
	server.Start()
}

// drop closes all of them: in an orderly way, or as a load balancer that has forgotten
// them does.
func (c *connections) drop(reset bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.list {
		if reset {
			_ = conn.(*net.TCPConn).SetLinger(0)
		}
		_ = conn.Close()
	}
	c.list = nil
}

// TestThawedFunctionServes freezes the function, as the platform does between requests,
// and has the upstream drop the connections that it keeps. Load balancers do that after a
// minute or more; here the other side does it at once, which is the harder case: the
// function cannot tell from the time that has passed. (That it forgets what is older than
// 30 seconds by itself is shown beside the client, on a virtual clock.)
func TestThawedFunctionServes(t *testing.T) {
	if goruntime.GOOS != "linux" {
		t.Skip("needs SIGSTOP")
	}
	t.Parallel()
	for _, over := range faultTransports {
		for name, reset := range map[string]bool{"closed": false, "reset": true} {
			t.Run(over.name+", "+name, func(t *testing.T) {
				t.Parallel()
				var upstream connections
				w := open(t, over, setting{serve: upstream.serve})
				for round := range 5 {
					if got := w.together(8, order(fmt.Sprintf("before%dx", round))); got[200] != 8 {
						t.Errorf("statuses %v", got)
					}
					process := w.process()
					freeze(t, process)
					upstream.drop(reset)
					_ = process.Signal(syscall.SIGCONT)
					w.expectStatus(fmt.Sprintf("/ocr/bankcard/thawed%d", round), 200)
					if got := w.together(8, order(fmt.Sprintf("after%dx", round))); got[200] != 8 {
						t.Errorf("statuses %v", got)
					}
				}
				w.expectMinted(1, 1)
			})
		}
	}
}

// freeze stops a process and returns when it stands still.
func freeze(t *testing.T, p *os.Process) {
	t.Helper()
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for t.Context().Err() == nil {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid))
		if err != nil {
			t.Fatal(err)
		}
		if _, rest, _ := strings.Cut(string(stat), ") "); strings.HasPrefix(rest, "T") {
			return
		}
		wait(t.Context(), time.Millisecond)
	}
}

// TestSIGTERMDrains asks the function to end while a request is on its way: that one is
// answered, no other is taken, and the process ends without an error.
func TestSIGTERMDrains(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan struct{}, 1), make(chan struct{})
	w := open(t, webTransport, setting{faults: func(_ http.ResponseWriter, r *http.Request, c simulator.Call) bool {
		if c == simulator.ResultCall {
			asked <- struct{}{}
			select {
			case <-answer:
			case <-r.Context().Done():
			}
		}
		return false
	}})
	var onItsWay sync.WaitGroup
	onItsWay.Go(func() {
		a, err := w.try(http.MethodGet, "/ocr/bankcard/drained1", bearer(aliceToken), "")
		if err != nil || a.status != 200 {
			t.Error(a, err)
		}
	})
	<-asked
	process := w.process()
	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for t.Context().Err() == nil {
		conn, err := net.Dial("tcp", w.web.Addr())
		if err != nil {
			break
		}
		conn.Close()
		wait(t.Context(), time.Millisecond)
	}
	close(answer)
	onItsWay.Wait()
	begin := time.Now()
	for process.Signal(syscall.Signal(0)) == nil {
		if wait(t.Context(), 10*time.Millisecond); time.Since(begin) > 10*time.Second {
			t.Fatal("the process lives on")
		}
	}
	if strings.Contains(w.log.String(), `"level":"ERROR"`) {
		t.Error(w.log.String())
	}
}
