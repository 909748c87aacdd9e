// Command bench builds the function and what it is compared with, measures them side by
// side, and prints ratios: the figures themselves depend on the machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
)

func main() {
	rounds := flag.Int("rounds", 5, "rounds of each measurement, of which the median counts")
	only := flag.String("only", "", "event, cold, memory or web; empty for all")
	flag.Parse()
	if err := run(context.Background(), *rounds, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	ctx    context.Context
	rounds int
	dir    string
	base   string // of the upstream
}

func run(ctx context.Context, rounds int, only string) error {
	dir, err := os.MkdirTemp("", "kyc-ocr-relay-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{ctx: ctx, rounds: rounds, dir: dir}
	for _, program := range []string{".", "./scripts/bench/obvious", "./scripts/bench/floor", "./scripts/bench/empty", "./scripts/bench/proxy"} {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.program(filepath.Base(program)), program) // #nosec G204 -- names from the list above
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s, to be run in the project's folder: %w\n%s", program, err, out)
		}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: &upstream{}} // #nosec G112 -- only the benchmarked programs ask it
	go server.Serve(listener)
	defer server.Close()
	b.base = "http://" + listener.Addr().String()

	fmt.Printf("%s %s/%s, %d cores; medians of %d rounds\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), rounds)
	for _, part := range []struct {
		name    string
		measure func() error
	}{{"event", b.event}, {"cold", b.cold}, {"memory", b.memory}, {"web", b.web}} {
		if only == "" || only == part.name {
			if err := part.measure(); err != nil {
				return fmt.Errorf("%s: %w", part.name, err)
			}
		}
	}
	return nil
}

// program is where a program is built; "." is the function.
func (b *bench) program(name string) string {
	if name == "." {
		name = "relay"
	}
	return filepath.Join(b.dir, name+".exe")
}

// env is the environment of every program.
func (b *bench) env() map[string]string {
	return map[string]string{
		"KYC_APP_ID":    "IDAbench",
		"KYC_SECRET":    "bench-secret",
		"KYC_BASE_URL":  b.base,
		"CALLER_TOKENS": "bench:" + token,
		"LOG_LEVEL":     "error",
	}
}

const token = "bench-token-0123456789"

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
