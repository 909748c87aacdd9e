package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kyc-ocr-relay/internal/gateway"
)

// startEvent runs the test binary as an event function until the test ends.
func startEvent(t *testing.T, c gateway.Config) *gateway.Event {
	t.Helper()
	c.Binary = os.Args[0]
	e, err := gateway.StartEvent(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func invoke(t *testing.T, e *gateway.Event, payload string) gateway.Result {
	t.Helper()
	r, err := e.Invoke(t.Context(), []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// surroundings asks the function what it sees.
func surroundings(t *testing.T, e *gateway.Event) (seen, gateway.Result) {
	t.Helper()
	r := invoke(t, e, `{"do":"context"}`)
	var s seen
	if err := json.Unmarshal(r.Payload, &s); err != nil {
		t.Fatal(err)
	}
	return s, r
}

func TestInvoke(t *testing.T) {
	e := startEvent(t, gateway.Config{})
	if e.Started() <= 0 {
		t.Errorf("Started() = %v", e.Started())
	}
	t.Run("payload", func(t *testing.T) {
		r := invoke(t, e, `{"do":"echo","<&>":"银行卡"}`)
		if got, want := string(r.Payload), `{"do":"echo","<&>":"银行卡"}`; got != want || r.Error != nil {
			t.Errorf("got %s, %+v, want %s", got, r.Error, want)
		}
		if r.Duration <= 0 {
			t.Errorf("Duration = %v", r.Duration)
		}
	})
	t.Run("error", func(t *testing.T) {
		r := invoke(t, e, `{"do":"error"}`)
		if r.Error == nil || *r.Error != (gateway.InvokeError{Message: "nothing works", Type: "errorString"}) {
			t.Errorf("got %+v", r.Error)
		}
	})
	t.Run("panic", func(t *testing.T) {
		before := e.Process().Pid
		r := invoke(t, e, `{"do":"panic"}`)
		if r.Error == nil || *r.Error != (gateway.InvokeError{Message: "all is lost", Type: "string", ShouldExit: true}) {
			t.Errorf("got %+v", r.Error)
		}
		invoke(t, e, `{"do":"echo"}`)
		if e.Process().Pid != before {
			t.Error("a recovered panic ended the process")
		}
	})
	t.Run("exit", func(t *testing.T) {
		before := e.Process().Pid
		_, err := e.Invoke(t.Context(), []byte(`{"do":"exit"}`))
		if !errors.Is(err, gateway.ErrExited) || !strings.Contains(err.Error(), "exit status 3") {
			t.Errorf("got %v", err)
		}
		if got := string(invoke(t, e, `{"do":"calls"}`).Payload); got != "1" || e.Process().Pid == before {
			t.Errorf("call %s of process %d, want the first of a new one", got, e.Process().Pid)
		}
	})
}

func TestEnvironment(t *testing.T) {
	t.Setenv("GATEWAY_TEST_PARENT", "secret of the machine")
	for _, c := range []struct {
		name   string
		config gateway.Config
		want   seen
	}{
		{"none", gateway.Config{}, seen{}},
		{"with the invocation", gateway.Config{Env: map[string]string{"SETTING": "v"}}, seen{Setting: "v"}},
		{"at start", gateway.Config{Env: map[string]string{"SETTING": "v"}, EnvAtStart: true}, seen{AtStart: "v", Setting: "v"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := surroundings(t, startEvent(t, c.config))
			got := seen{AtStart: s.AtStart, Setting: s.Setting, Inherited: s.Inherited}
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if !s.Path {
				t.Error("no PATH")
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	for _, c := range []struct {
		name   string
		config gateway.Config
		limit  time.Duration
		zero   bool
	}{
		{"default", gateway.Config{}, 30 * time.Second, false},
		{"configured", gateway.Config{TimeLimit: 90 * time.Second}, 90 * time.Second, false},
		{"zero", gateway.Config{TimeLimit: 90 * time.Second, ZeroDeadline: true}, 90 * time.Second, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := startEvent(t, c.config)
			begin := time.Now()
			s, r := surroundings(t, e)
			if s.Limit != int32(c.limit.Milliseconds()) || s.Expired != c.zero || s.RequestID != r.RequestID {
				t.Errorf("got %+v for %s", s, r.RequestID)
			}
			if c.zero != s.Deadline.Equal(time.Unix(0, 0)) {
				t.Errorf("deadline %v", s.Deadline)
			}
			if !c.zero && (s.Deadline.Before(begin.Add(c.limit)) || s.Deadline.After(time.Now().Add(c.limit))) {
				t.Errorf("deadline %v, want %v from now", s.Deadline, c.limit)
			}
		})
	}
}

func TestTimeLimit(t *testing.T) {
	e := startEvent(t, gateway.Config{TimeLimit: 300 * time.Millisecond})
	process := e.Process()
	r, err := e.Invoke(t.Context(), []byte(`{"do":"block"}`))
	if !errors.Is(err, gateway.ErrTimeLimit) || r.Duration < 300*time.Millisecond {
		t.Errorf("after %v: %v", r.Duration, err)
	}
	if err := process.Signal(os.Interrupt); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("the process lives: %v", err)
	}
	if got := string(invoke(t, e, `{"do":"calls"}`).Payload); got != "1" {
		t.Errorf("call %s of the process, want the first of a new one", got)
	}
}

func TestOneAtATime(t *testing.T) {
	e := startEvent(t, gateway.Config{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r, err := e.Invoke(t.Context(), []byte(`{"do":"overlap"}`))
			if err != nil || string(r.Payload) != "1" {
				t.Errorf("%s invocations at a time, %v", r.Payload, err)
			}
		})
	}
	wg.Wait()
}

// block has an invocation of e hang, and returns once it does. log is what e logs to.
func block(t *testing.T, e *gateway.Event, ctx context.Context, log *io.PipeReader) <-chan error {
	t.Helper()
	failed := make(chan error, 1)
	go func() {
		_, err := e.Invoke(ctx, []byte(`{"do":"block"}`))
		failed <- err
	}()
	line, err := bufio.NewReader(log).ReadString('\n')
	if err != nil || line != "blocked\n" {
		t.Fatalf("logged %q, %v", line, err)
	}
	return failed
}

func TestWaitersHonourTheirContext(t *testing.T) {
	r, w := io.Pipe()
	e := startEvent(t, gateway.Config{Log: w})
	ctx, cancel := context.WithCancel(t.Context())
	running := block(t, e, ctx, r)

	queued, give := context.WithTimeout(t.Context(), time.Millisecond)
	defer give()
	if _, err := e.Invoke(queued, []byte(`{}`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("queued: %v", err)
	}
	cancel()
	if err := <-running; !errors.Is(err, context.Canceled) {
		t.Errorf("running: %v", err)
	}
	if _, err := e.Invoke(ctx, []byte(`{}`)); !errors.Is(err, context.Canceled) {
		t.Errorf("ended before: %v", err)
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	r, w := io.Pipe()
	e := startEvent(t, gateway.Config{Log: w})
	running := block(t, e, t.Context(), r)
	waiting := make(chan error, 1)
	go func() {
		_, err := e.Invoke(t.Context(), []byte(`{}`))
		waiting <- err
	}()
	e.Close()
	e.Close()
	for _, err := range []error{<-running, <-waiting} {
		if !errors.Is(err, gateway.ErrClosed) {
			t.Errorf("during Close: %v", err)
		}
	}
	if _, err := e.Invoke(t.Context(), []byte(`{}`)); !errors.Is(err, gateway.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := e.Process().Signal(os.Interrupt); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("the process lives: %v", err)
	}
	goleak.VerifyNone(t)
}

func TestStartFails(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	exits := gateway.Config{
		Binary: os.Args[0], EnvAtStart: true,
		Env: map[string]string{roleVar: "exit"},
	}
	for _, c := range []struct {
		name   string
		ctx    context.Context
		config gateway.Config
		want   string
	}{
		{"configuration", t.Context(), gateway.Config{Shape: "soap", TimeLimit: -1},
			"gateway config: no Binary\nunknown Shape \"soap\"\nnegative TimeLimit"},
		{"exit", t.Context(), exits, "start function: the function's process exited: exit status 7"},
		{"context", ended, gateway.Config{Binary: os.Args[0]}, "start function: not ready: context canceled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := gateway.StartEvent(c.ctx, c.config); err == nil || err.Error() != c.want {
				t.Errorf("event: got %v, want %s", err, c.want)
			}
			if c.config.Binary != "" {
				c.config.Env = map[string]string{roleVar: "exit"}
			}
			if c.ctx == ended {
				c.config.Env = map[string]string{roleVar: "web"}
			}
			if _, err := gateway.StartWeb(c.ctx, c.config); err == nil || err.Error() != c.want {
				t.Errorf("web: got %v, want %s", err, c.want)
			}
		})
	}
	if _, err := gateway.StartEvent(t.Context(), gateway.Config{Binary: "/nonexistent/main"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no binary: %v", err)
	}
}

func TestFunctionDiesWithItsParent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ties a process to its parent")
	}
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), roleVar+"=parent")
	// The output ends once both the parent and the function that shares it have ended.
	out, err := parent.Output()
	if err != nil || !strings.HasSuffix(string(out), "started\n") {
		t.Errorf("got %q, %v", out, err)
	}
}
