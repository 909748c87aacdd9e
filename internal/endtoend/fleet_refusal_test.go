//go:build unix

package endtoend

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"kyc-ocr-relay/internal/simulator"
)

// The time of a fleet whose store refuses writes. A pair lives a little longer than it takes
// to be renewed, so that its end comes while writes are refused.
const (
	refusalRefresh = 4 * time.Second
	refusalOverlap = 3 * time.Second
	refusalLife    = 7 * time.Second

	// refusalLength is how long writes are refused, from just after a renewal: the pair's life,
	// and the overlap for which the pairs that the instances then mint live side by side.
	refusalLength = refusalLife + refusalOverlap
	refusalAfter  = 3 * time.Second
)

// refusalMints bounds the mints of such a fleet. While the pair lives there is none. When it ends
// each instance mints one for itself; all but the last are void an overlap later, when their
// instances mint once more, and writes are taken again before those are void. Besides there are
// the regular ones before and after, and one where an instance finds its pair void just
// as the others publish theirs.
const refusalMints = 2*fleetSize + regularBefore + regularAfter + 1

const (
	regularBefore = 3 // the first, the one that is waited for, and one if that is seen late
	regularAfter  = int(refusalAfter/refusalRefresh) + 1
)

// slowestRequest is what a request may take: one call of the store that hangs, and one renewal.
// The limits are those of the ticket package: half a second at least, and half an overlap.
const slowestRequest = 500*time.Millisecond + refusalOverlap/2

// refusedFleet has a fleet live through a time in which its store can be read, and takes no
// writes from refuse to what that returns.
func refusedFleet(t *testing.T, store string, refuse func() (accept func())) {
	sim := simulator.New(simulator.Config{
		Apps: secrets, Overlap: refusalOverlap, TokenLife: refusalLife, TicketLife: refusalLife,
	})
	upstream := httptest.NewServer(sim)
	defer upstream.Close()
	f := startFleet(t, upstream.URL, store, refusalRefresh, refusalOverlap)
	f.askWhile(func() {
		awaitMints(t, sim, 2)
		wait(t.Context(), 200*time.Millisecond) // until it is published
		accept := refuse()
		before := len(sim.Mints(firstApp))
		wait(t.Context(), refusalLife/2)
		f.kill(&f.places[0]) // a cold start takes the pair that can be read
		wait(t.Context(), refusalLife/4)
		if n := len(sim.Mints(firstApp)) - before; n > 0 {
			t.Errorf("%d mints while there was a pair", n)
		}
		wait(t.Context(), refusalLength-refusalLife/2-refusalLife/4)
		if n := len(sim.Mints(firstApp)) - before; n == 0 {
			t.Error("no mint, although the pair had ended: no test")
		}
		accept()
		wait(t.Context(), refusalAfter)
	})
	f.checkRefused(sim, refusalMints)
}

// awaitMints waits for so many mints.
func awaitMints(t *testing.T, sim *simulator.Simulator, n int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); len(sim.Mints(firstApp)) < n; {
		if time.Now().After(deadline) {
			t.Fatal("nothing is minted")
		}
		wait(t.Context(), 10*time.Millisecond)
	}
}

// checkRefused holds the fleet against the rules that it can keep without a store, in which
// nobody can see that another instance is minting.
func (f *fleet) checkRefused(sim *simulator.Simulator, most int) {
	f.t.Helper()
	f.t.Logf("%d queries answered, the slowest in %v, %d lost with a killed process, %d retried, %d mints, at most %d are expected",
		f.answered.Load(), time.Duration(f.slowest.Load()), f.lost.Load(), sim.Counts(firstApp).Rejected, len(sim.Mints(firstApp)), most)
	if f.answered.Load() < 300 {
		f.t.Errorf("only %d queries were answered", f.answered.Load())
	}
	if n := len(sim.Mints(firstApp)); n > most {
		f.t.Errorf("%d mints, at most %d are expected", n, most)
	}
	if slowest := time.Duration(f.slowest.Load()); slowest > slowestRequest {
		f.t.Errorf("a request took %v, at most %v are expected", slowest, slowestRequest)
	}
	for _, broken := range sim.Violations() {
		if !strings.Contains(broken, "call began while another") {
			f.t.Error("the upstream's rules were broken:", broken)
		}
	}
}

// do sends the server a command.
func (s *redisServer) do(t *testing.T, command string, args ...any) any {
	t.Helper()
	conn, err := redis.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answer, err := conn.Do(command, args...)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestFleetOverRedisThatLacksReplicas(t *testing.T) {
	server := startRedis(t)
	refusedFleet(t, "redis://"+server.address, func() func() {
		server.do(t, "CONFIG", "SET", "min-slaves-to-write", 1)
		return func() { server.do(t, "CONFIG", "SET", "min-slaves-to-write", 0) }
	})
}

func TestFleetOverRedisWithoutMemory(t *testing.T) {
	server := startRedis(t)
	refusedFleet(t, "redis://"+server.address, func() func() {
		server.do(t, "CONFIG", "SET", "maxmemory-policy", "noeviction")
		server.do(t, "CONFIG", "SET", "maxmemory", "1mb")
		conn, err := redis.Dial("tcp", server.address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for i := 0; ; i++ {
			_, err := conn.Do("SET", fmt.Sprint("filler", i), strings.Repeat("x", 10<<10))
			var answer redis.Error
			if errors.As(err, &answer) && strings.HasPrefix(answer.Error(), "OOM ") {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return func() { server.do(t, "CONFIG", "SET", "maxmemory", 0) }
	})
}

// A replica is promoted, and the name leads to it from then on. The old master stays up, as a
// replica, and so do the connections to it. Nobody needs a pair for that.
func TestFleetFollowsAPromotedReplica(t *testing.T) {
	old, replica := startRedis(t), startRedis(t)
	name := listenFor(t, old.address)
	sim := simulator.New(simulator.Config{Apps: secrets, Overlap: refusalOverlap})
	upstream := httptest.NewServer(sim)
	defer upstream.Close()
	host, port, _ := net.SplitHostPort(old.address)
	old.do(t, "CONFIG", "SET", "repl-diskless-sync-delay", 0)
	replica.do(t, "SLAVEOF", host, port)
	const before, after = 3 * time.Second, 3 * refusalRefresh
	f := startFleet(t, upstream.URL, "redis://"+name.Addr().String(), refusalRefresh, refusalOverlap)
	f.askWhile(func() {
		wait(t.Context(), before)
		awaitMints(t, sim, 1)
		old.do(t, "CONFIG", "SET", "min-slaves-to-write", 2) // no more writes: the replica is to have them all
		awaitCopy(t, old, replica)
		replica.do(t, "SLAVEOF", "NO", "ONE")
		host, port, _ := net.SplitHostPort(replica.address)
		old.do(t, "SLAVEOF", host, port)
		name.leadTo(replica.address)
		wait(t.Context(), after)
	})
	if n := name.passed(replica.address); n == 0 {
		t.Error("nobody came to the promoted one")
	}
	// Those that are due, the first, and one for a holder whose publication meets the change.
	f.check(sim, int((before+after)/refusalRefresh)+2)
	if slowest := time.Duration(f.slowest.Load()); slowest > slowestRequest {
		t.Errorf("a request took %v, at most %v are expected", slowest, slowestRequest)
	}
}

// awaitCopy waits until the replica has what its master wrote.
func awaitCopy(t *testing.T, master, replica *redisServer) {
	t.Helper()
	offset := func(s *redisServer, field string) string {
		text, err := redis.String(s.do(t, "INFO", "replication"), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(text, field+":")
		value, _, _ := strings.Cut(rest, "\r\n")
		return value
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		if has := offset(replica, "slave_repl_offset"); has != "" && has == offset(master, "master_repl_offset") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the replica copies nothing")
		}
		wait(t.Context(), 5*time.Millisecond)
	}
}

// listener is a name: it passes connections on to where it leads at the time.
type listener struct {
	net.Listener
	target atomic.Pointer[string]
	mu     sync.Mutex
	count  map[string]int
	open   []net.Conn
	busy   sync.WaitGroup
}

func listenFor(t *testing.T, target string) *listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &listener{Listener: l, count: map[string]int{}}
	n.target.Store(&target)
	n.busy.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			n.busy.Go(func() { n.pass(client) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		n.mu.Lock()
		for _, conn := range n.open {
			conn.Close()
		}
		n.mu.Unlock()
		n.busy.Wait()
	})
	return n
}

func (n *listener) leadTo(target string) { n.target.Store(&target) }

// passed returns how many connections were passed on to target.
func (n *listener) passed(target string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.count[target]
}

func (n *listener) pass(client net.Conn) {
	defer client.Close()
	target := *n.target.Load()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	n.mu.Lock()
	n.count[target]++
	n.open = append(n.open, client, server)
	n.mu.Unlock()
	n.busy.Go(func() {
		_, _ = io.Copy(client, server)
		client.Close()
	})
	_, _ = io.Copy(server, client)
}
