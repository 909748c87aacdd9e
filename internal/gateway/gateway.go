// Package gateway is a local SCF runtime: it starts an unmodified function binary as the platform
// does and puts HTTP in front of it. [StartEvent] runs an event function, which sees API Gateway or
// Function URL events over the function library's RPC; [StartWeb] runs a Web function, which sees
// plain HTTP. It serves tests, the demo and benchmarks and is not part of the product.
//
// It differs from the platform in these ways:
//   - There is one instance: where the platform would start another one, requests wait.
//   - The function's port is on every interface, because the function binds it so.
//   - Header names in API Gateway events are in Go's canonical form, not as the client spelled them.
//   - isBase64Encoded in a response is honoured in both shapes; whether the Function URL does is open.
//   - Memory, CPU, the size of environment variables and of response headers are not limited, an
//     idle process is not frozen, and a failed asynchronous event is not retried.
//   - A Web function is not killed at its time limit (only that request fails) and not restarted.
package gateway

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"
)

// MaxPayload is the platform's limit for a synchronous request and for its response, in bytes.
const MaxPayload = 6 * 1024 * 1024

const (
	// startLimit bounds a start. The platform allows 65 s at most; a Go binary needs milliseconds,
	// and a test should not wait longer than this for one that hangs.
	startLimit = 10 * time.Second
	// defaultTimeLimit is the function's time limit unless configured.
	defaultTimeLimit = 30 * time.Second
	// statusTooLarge is what the platform answers beyond MaxPayload, whatever HTTP calls 407.
	statusTooLarge = 407
)

var (
	// ErrTimeLimit means that the invocation outlasted the function's time limit. The process is dead.
	ErrTimeLimit = errors.New("the function's time limit is exceeded")
	// ErrTooLarge means that the request or the return value exceeds MaxPayload.
	ErrTooLarge = errors.New("the payload exceeds 6 MB")
	// ErrExited means that the process ended: during the invocation, or before it was ready.
	ErrExited = errors.New("the function's process exited")
	// ErrClosed means that Close was called before or during the invocation.
	ErrClosed = errors.New("the runtime is closed")
)

// Shape is the form of HTTP event that an event function gets.
type Shape string

// The two forms of HTTP event.
const (
	APIGateway  Shape = "apigw"
	FunctionURL Shape = "url"
)

// Config describes a function. Only Binary is required.
type Config struct {
	// Binary is the path of the function's executable.
	Binary string
	// Env holds the function's configured environment variables.
	Env map[string]string
	// EnvAtStart puts Env into the environment of an event function's process, too. Without it Env
	// comes with each invocation only. Which of the two the platform does is open. A Web function
	// always has Env at start.
	EnvAtStart bool
	// Shape is the form of an event function's HTTP events; "" means FunctionURL.
	Shape Shape
	// Stage is requestContext.stage of an API Gateway event; "" means release.
	Stage string
	// Prefix is put before the path of every HTTP event, as a gateway in front of the function may.
	Prefix string
	// TimeLimit is the function's time limit, from which an invocation's Deadline and TimeLimitInMs
	// are filled; 0 means 30 s. A start does not count.
	TimeLimit time.Duration
	// ZeroDeadline leaves an invocation's Deadline zero and fills only TimeLimitInMs. The function
	// library then hands its handler a context that has already expired.
	ZeroDeadline bool
	// Log gets the function's stdout and stderr; nil discards them. It is not written to after Close.
	Log io.Writer
}

// check reports every problem of c at once, and fills in the defaults.
func (c Config) check() (Config, error) {
	var problems []error
	if c.Binary == "" {
		problems = append(problems, errors.New("no Binary"))
	}
	switch c.Shape {
	case "":
		c.Shape = FunctionURL
	case APIGateway, FunctionURL:
	default:
		problems = append(problems, fmt.Errorf("unknown Shape %q", c.Shape))
	}
	if c.Stage == "" {
		c.Stage = "release"
	}
	if c.TimeLimit < 0 {
		problems = append(problems, errors.New("negative TimeLimit"))
	}
	if c.TimeLimit == 0 {
		c.TimeLimit = defaultTimeLimit
	}
	if err := errors.Join(problems...); err != nil {
		return c, fmt.Errorf("gateway config: %w", err)
	}
	return c, nil
}

// newRequestID returns an identifier in the platform's form, a random UUID.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])  // never fails
	b[6] = b[6]&0x0f | 0x40 // version 4
	b[8] = b[8]&0x3f | 0x80 // RFC 9562 variant
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
