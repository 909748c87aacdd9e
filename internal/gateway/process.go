package gateway

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

const (
	// startAttempts is how often a process that exits before it is ready is started: between
	// choosing a free port and the function's binding it, somebody else may have taken it.
	startAttempts = 3
	// probeInterval is the pause between two looks at whether a process is ready; it is also the
	// resolution of Started.
	probeInterval = 200 * time.Microsecond
	// pipeDelay bounds the wait for output pipes that a grandchild still holds after the kill.
	pipeDelay = time.Second
)

// process is a running function binary.
type process struct {
	cmd    *exec.Cmd
	addr   string        // where it listens
	took   time.Duration // from exec to the first successful probe
	exited chan struct{} // closed once the process is reaped and its output copied
}

// probe looks once whether the function at addr is ready.
type probe func(ctx context.Context, addr string) error

// spawn starts the binary with a free port in the variable named portVar, and returns when ready
// succeeds. The process outlives ctx, which bounds the start only.
func spawn(ctx context.Context, c Config, portVar string, atStart bool, ready probe) (*process, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	var p *process
	var err error
	for range startAttempts {
		p, err = spawnOnce(ctx, c, portVar, atStart, ready)
		if !errors.Is(err, ErrExited) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("start function: %w", err)
	}
	return p, nil
}

func spawnOnce(ctx context.Context, c Config, portVar string, atStart bool, ready probe) (*process, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(c.Binary) // #nosec G204 -- to run a given binary is its purpose
	cmd.Env = baseEnv()
	if atStart {
		for name, value := range c.Env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.Env = append(cmd.Env, portVar+"="+strconv.Itoa(port))
	cmd.Stdout, cmd.Stderr = c.Log, c.Log
	cmd.SysProcAttr = dieWithParent()
	cmd.WaitDelay = pipeDelay

	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{
		cmd:    cmd,
		addr:   net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		exited: make(chan struct{}),
	}
	go func() {
		defer close(p.exited)
		_ = cmd.Wait() // the outcome is in cmd.ProcessState
	}()
	if err := p.await(ctx, ready); err != nil {
		p.kill()
		return nil, err
	}
	p.took = time.Since(begin)
	return p, nil
}

// await probes until the process is ready, has exited, or ctx ends.
func (p *process) await(ctx context.Context, ready probe) error {
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	for {
		err := ready(ctx, p.addr)
		if p.gone() {
			return p.exitError() // whoever answered, it was not this process
		}
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return p.exitError()
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", context.Cause(ctx))
		}
	}
}

// gone reports whether the process has exited.
func (p *process) gone() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// kill ends the process and waits until it is reaped.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // fails only if it has exited already
	<-p.exited
}

// exitError tells how the process ended. Call it only after exited is closed.
func (p *process) exitError() error {
	return fmt.Errorf("%w: %s", ErrExited, p.cmd.ProcessState)
}

// baseEnv is what every function process inherits: never the whole environment, so that a test does
// not depend on the machine and the function does not see the machine's secrets.
func baseEnv() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// The range that FreePort draws from lies below the one that outgoing connections have
// on most systems: none of them can take a port before the function does.
const (
	firstPort = 10000
	lastPort  = 32000
)

// taken has the ports that were given out, each with a UDP socket of the same number, which
// nobody else can have at the same time: two functions that start at once must not find the
// same port free, be it in one process or in two. Where the loser's port was answered by the
// winner, it would count as started, and be found dead later.
var taken sync.Map

// FreePort returns a TCP port that is free now. The function library needs to be told a
// port: it cannot say which one it was given.
func FreePort() (int, error) {
	for range 1000 {
		port := firstPort + rand.N(lastPort-firstPort) // #nosec G404 -- keeps test binaries out of one another's way
		mark, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		taken.Store(port, mark) // until this process ends
		if l, err := net.Listen("tcp", fmt.Sprintf("0.0.0.0:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no free port was found")
}
