// Package scf is the platform under the function: it hands events to it with their deadline,
// or requests, and keeps the process within the memory of a small instance.
package scf

import (
	"context"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/tencentyun/scf-go-lib/cloudfunction"
	"github.com/tencentyun/scf-go-lib/functioncontext"
)

// ResponseLimit is the size of a synchronous response: 6 MB (SCF quotas, document 583).
// Read as binary megabytes.
const ResponseLimit = 6 << 20

// Invoker answers the events of a function. ctx has the invocation's deadline, id is the
// platform's id of the invocation.
type Invoker interface {
	Invoke(ctx context.Context, id string, payload []byte) ([]byte, error)
}

// Start runs an event function. It does not return.
func Start(i Invoker, getenv func(string) string) {
	cloudfunction.StartHandler(&function{invoker: i, getenv: getenv})
}

// function adapts an Invoker to the runtime.
type function struct {
	invoker Invoker
	getenv  func(string) string
	events  atomic.Int64
	ballast []byte
}

// deadlineMargin is left to the runtime for handing back what the function returned.
const deadlineMargin = 100 * time.Millisecond

// Invoke implements cloudfunction.Handler.
func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if f.events.Add(1) == 2 {
		f.collectLess()
	}
	invocation, ok := functioncontext.FromContext(ctx)
	if !ok {
		invocation = &functioncontext.FunctionContext{}
	}
	limit := time.Duration(invocation.TimeLimitInMs) * time.Millisecond
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) > 0 {
		limit = time.Until(deadline)
	} else if limit <= 0 {
		limit = 3 * time.Second // the platform's default
	}
	// The runtime's context has ended already where the platform named no deadline.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit-min(deadlineMargin, limit/10))
	defer cancel()
	return f.invoker.Invoke(ctx, invocation.RequestID, payload)
}

// The collector of an event function. By itself it runs whenever the heap has doubled: for
// small answers every few megabytes, and of the largest it lets two lie about. The ballast
// counts as in use and is never touched, so that it takes no memory: with it, a quarter
// more is 8 MB and a quarter of what is really in use.
const (
	ballastSize    = 32 << 20
	ballastPercent = 25
)

// collectLess is for the second event, as it would be a good part of a cold start.
func (f *function) collectLess() {
	if f.getenv("GOGC") == "" && f.getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(ballastPercent)
		f.ballast = make([]byte, ballastSize)
	}
}
