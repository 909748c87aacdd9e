package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"sync"
	"time"

	"github.com/tencentyun/scf-go-lib/cloudfunction/messages"
)

// Event is a running event function. Its methods may be called concurrently; invocations run one
// at a time, as on an instance of the platform.
type Event struct {
	config Config
	env    string // Config.Env as the JSON object that comes with each invocation

	life  context.Context // ends with Close
	end   context.CancelFunc
	slot  chan struct{} // holds an element while an invocation runs; Close keeps it
	close func()

	mu     sync.Mutex // guards the fields below, which the holder of slot replaces
	proc   *process
	client *rpc.Client
}

// Result is the outcome of an invocation.
type Result struct {
	RequestID string
	// Payload is the return value. The platform writes it to its log, whatever it holds.
	Payload []byte
	// Error is what the function returned as its error; nil if it succeeded.
	Error *InvokeError
	// Duration is the time of the invocation, without queueing and without a start.
	Duration time.Duration
}

// InvokeError is an error that the function returned, or its recovered panic.
type InvokeError struct {
	Message string
	// Type is the name of the Go type of the error.
	Type string
	// ShouldExit is true for a panic. The process lives on nevertheless.
	ShouldExit bool
}

// StartEvent starts an event function and returns once it answers. ctx bounds the start only; Close
// ends the function.
func StartEvent(ctx context.Context, c Config) (*Event, error) {
	c, err := c.check()
	if err != nil {
		return nil, err
	}
	env, err := json.Marshal(c.Env)
	if err != nil {
		return nil, fmt.Errorf("encode environment: %w", err)
	}
	e := &Event{config: c, slot: make(chan struct{}, 1)}
	if len(c.Env) > 0 {
		e.env = string(env)
	}
	e.life, e.end = context.WithCancel(context.Background())
	e.close = sync.OnceFunc(e.shut)
	if err := e.start(ctx); err != nil {
		e.end()
		return nil, err
	}
	return e, nil
}

// Invoke runs one invocation and waits for its turn first. What the function returned, be it an
// error, is in the Result; the error is for everything else: ErrTimeLimit, ErrTooLarge, ErrExited,
// ErrClosed, a failed restart, or the end of ctx. The end of ctx does not stop an invocation that
// has begun: like on the platform it runs on, and the next one waits for it.
func (e *Event) Invoke(ctx context.Context, payload []byte) (Result, error) {
	return e.invoke(ctx, newRequestID(), payload)
}

func (e *Event) invoke(ctx context.Context, id string, payload []byte) (Result, error) {
	if len(payload) > MaxPayload {
		return Result{RequestID: id}, fmt.Errorf("request: %w", ErrTooLarge)
	}
	if err := e.acquire(ctx); err != nil {
		return Result{RequestID: id}, err
	}
	var result Result
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { <-e.slot }()
		result, err = e.run(id, payload)
	}()
	select {
	case <-done:
		return result, err
	case <-ctx.Done():
		return Result{RequestID: id}, fmt.Errorf("wait for the function: %w", ctx.Err())
	}
}

// acquire takes the slot.
func (e *Event) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("wait for the instance: %w", err)
	}
	select {
	case e.slot <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the instance: %w", ctx.Err())
	case <-e.life.Done():
		return ErrClosed
	}
}

// run makes the call, with the slot held. The time limit and Close end it by killing the process,
// which breaks the connection.
func (e *Event) run(id string, payload []byte) (Result, error) {
	result := Result{RequestID: id}
	if e.life.Err() != nil {
		return result, ErrClosed
	}
	if e.proc.gone() {
		if err := e.start(e.life); err != nil {
			if e.life.Err() != nil {
				err = ErrClosed
			}
			return result, err
		}
	}
	proc := e.proc
	ctx, cancel := context.WithTimeout(e.life, e.config.TimeLimit)
	defer cancel()
	unwatch := context.AfterFunc(ctx, proc.kill)

	begin := time.Now()
	var answer messages.InvokeResponse
	err := e.client.Call("Function.Invoke", e.request(id, payload, begin), &answer)
	result.Duration = time.Since(begin)
	if !unwatch() {
		<-proc.exited // else the next invocation might meet the dying process
	}

	switch {
	case err == nil:
	case e.life.Err() != nil:
		return result, ErrClosed
	case ctx.Err() != nil:
		return result, fmt.Errorf("%w: %v", ErrTimeLimit, e.config.TimeLimit)
	case errors.As(err, new(rpc.ServerError)):
		return result, fmt.Errorf("invoke: %w", err)
	default:
		proc.kill() // a process that broke its connection is of no use if it lives
		return result, proc.exitError()
	}
	if answer.Error != nil {
		result.Error = &InvokeError{
			Message:    answer.Error.Message,
			Type:       answer.Error.Type,
			ShouldExit: answer.Error.ShouldExit,
		}
		return result, nil
	}
	if len(answer.Payload) > MaxPayload {
		return result, fmt.Errorf("return value: %w", ErrTooLarge)
	}
	result.Payload = answer.Payload
	return result, nil
}

// request fills every field that the platform fills.
func (e *Event) request(id string, payload []byte, now time.Time) *messages.InvokeRequest {
	r := &messages.InvokeRequest{
		Payload:               payload,
		RequestId:             id,
		TraceId:               id,
		InvokedFunctionUnique: "local",
		Namespace:             "default",
		FunctionName:          "local",
		FunctionVersion:       "$LATEST",
		MemoryLimitInMb:       128,
		TimeLimitInMs:         int32(e.config.TimeLimit.Milliseconds()),
		Environment:           e.env,
		TencentcloudRegion:    "ap-local",
		TencentcloudAppID:     "1250000000",
		TencentcloudUin:       "100000000000",
	}
	if !e.config.ZeroDeadline {
		deadline := now.Add(e.config.TimeLimit)
		r.Deadline.Seconds, r.Deadline.Nanos = deadline.Unix(), int64(deadline.Nanosecond())
	}
	return r
}

// start starts the process, the first time or anew, and connects to it.
func (e *Event) start(ctx context.Context) error {
	var client *rpc.Client
	proc, err := spawn(ctx, e.config, "_LAMBDA_SERVER_PORT", e.config.EnvAtStart,
		func(ctx context.Context, addr string) error {
			if client != nil {
				_ = client.Close() // of an attempt whose process exited
			}
			var err error
			client, err = connect(ctx, addr)
			return err
		})
	if err != nil {
		if client != nil {
			_ = client.Close()
		}
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client != nil {
		_ = e.client.Close()
	}
	e.proc, e.client = proc, client
	return nil
}

// connect dials the function and has Function.Ping answered. The client is nil if that fails.
func connect(ctx context.Context, addr string) (*rpc.Client, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	client := rpc.NewClient(conn)
	defer context.AfterFunc(ctx, func() { _ = client.Close() })()
	if err := client.Call("Function.Ping", &messages.PingRequest{}, &messages.PingResponse{}); err != nil {
		_ = client.Close()
		return nil, err
	}
	return client, nil
}

// Process returns the current process; a restart replaces it. Do not wait for it: the Event does.
func (e *Event) Process() *os.Process {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.proc.cmd.Process
}

// Started returns how long the current process took from exec to its first answered Ping.
func (e *Event) Started() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.proc.took
}

// Close kills the process and reaps it. Invocations that run or wait fail with ErrClosed. It always
// returns nil, and may be called again.
func (e *Event) Close() error {
	e.close()
	return nil
}

func (e *Event) shut() {
	e.end()
	e.slot <- struct{}{}
	e.proc.kill()
	_ = e.client.Close()
}
