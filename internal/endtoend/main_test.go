// Package endtoend runs the built function in the local SCF runtime, before the simulated upstream,
// and holds it to the contract through every transport.
package endtoend

import (
	"context"
	"flag"
	"testing"
	"time"

	"kyc-ocr-relay/internal/testmain"
)

// folder has the function's binary.
var folder testmain.Folder

func TestMain(m *testing.M) {
	// Worlds wait for retries and time-outs more than they compute.
	_ = flag.Set("test.parallel", "8")
	testmain.Run(m, &folder)
}

// wait returns early where ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
