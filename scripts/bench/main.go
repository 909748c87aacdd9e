// Command bench builds the function and what it is compared with, measures them side by
// side, and prints every figure that has a limit: ratios, as the figures themselves
// depend on the machine. What is compared runs at the same time and is measured in turns
// of a fraction of a second, and the ratio is the median of those of single rounds: so
// neither warming up nor what else the machine does favours one of them.
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
	"strings"

	"kyc-ocr-relay/internal/archive"
	"kyc-ocr-relay/scripts/internal/command"
)

func main() {
	rounds := flag.Int("rounds", 15, "rounds of each measurement, of which the median counts")
	only := flag.String("only", "", "the one `part` to measure: "+strings.Join(parts(), ", "))
	pictures := flag.String("pictures", "", "the `folder` to write pictures of what was measured to; it has to be there")
	usage.Start(
		func() error { return command.OneOf("-only", *only, append(parts(), "")...) },
		func() error { return atLeastOne(*rounds) },
		func() error { return isThere(*pictures) })
	if err := run(context.Background(), *rounds, *only, *pictures); err != nil {
		os.Exit(usage.Report(err, command.NewScreen(os.Stderr)))
	}
}

// bench is one run.
type bench struct {
	ctx      context.Context
	rounds   int
	dir      string
	base     string // of the upstream
	pictures string // folder; "": none are drawn
}

func run(ctx context.Context, rounds int, only, pictures string) error {
	dir, err := os.MkdirTemp("", "kyc-ocr-relay-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{ctx: ctx, rounds: rounds, dir: dir, pictures: pictures}
	command.NewScreen(os.Stderr).Progress("building what is compared")
	if err := b.build(".", ".", "./scripts/bench/obvious", "./scripts/bench/floor", "./scripts/bench/empty", "./scripts/bench/proxy"); err != nil {
		return err
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
	for _, part := range b.measurements() {
		if only == "" || only == part.name {
			if err := part.measure(); err != nil {
				return fmt.Errorf("%s: %w", part.name, err)
			}
		}
	}
	return nil
}

// build builds programs of the module in folder, and writes each as the platform's unpacking does, from its
// beginning to its end. The linker fills it in no order, which leaves it in memory in small pieces: that takes
// up to a tenth more of a cold start, by chance.
func (b *bench) build(folder string, programs ...string) error {
	for _, program := range programs {
		path, tags := b.program(filepath.Base(program)), "-tags="
		if program == "." { // as it is deployed
			tags = archive.Tags
		}
		build := exec.CommandContext(b.ctx, "go", "build", "-trimpath", tags, "-ldflags=-s -w", "-o", path, program) // #nosec G204 -- names of this command
		build.Dir, build.Env = folder, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s: %w\n%s", program, err, out)
		}
		binary, err := os.ReadFile(path) // #nosec G304 -- what was built just now
		if err == nil {
			err = os.Remove(path)
		}
		if err == nil {
			err = os.WriteFile(path, binary, 0o755) // #nosec G306 -- it is run
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// measurement is a part that can be measured alone.
type measurement struct {
	name    string
	measure func() error
}

func (b *bench) measurements() []measurement {
	return []measurement{{"parts", b.parts}, {"event", b.event}, {"cold", b.cold}, {"tier", b.tier}, {"scale", b.scale}, {"memory", b.memory}, {"web", b.web}, {"zip", b.zip}, {"war", b.war}}
}

// program is where a program is built; "." is the function.
func (b *bench) program(name string) string {
	if name == "." {
		name = "relay"
	}
	return filepath.Join(b.dir, name+".exe")
}

// env is the environment of every program. None of them logs requests, as those that the
// relay is compared with do not.
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

// table is measurements by name, one of each for every round.
type table map[string][]float64

func (t table) add(name string, value float64) { t[name] = append(t[name], value) }

func (t table) median(name string) float64 { return median(slices.Clone(t[name])) }

// ratio is the median of a round's ratios.
func (t table) ratio(name, to string) float64 {
	ratios := slices.Clone(t[name])
	for i := range ratios {
		ratios[i] /= t[to][i]
	}
	return median(ratios)
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// atMost and atLeast print a figure with its limit, and a mark where that is not kept; 0:
// it has none.
func atMost(limit, value float64, what string, args ...any) {
	show("≤", limit, value, value <= limit, fmt.Sprintf(what, args...))
}

func atLeast(limit, value float64, what string, args ...any) {
	show("≥", limit, value, value >= limit, fmt.Sprintf(what, args...))
}

func show(sign string, limit, value float64, kept bool, what string) {
	bound, mark := "", ' '
	if limit != 0 {
		bound = fmt.Sprintf("%s %.3g", sign, limit)
		if !kept {
			mark = '!'
		}
	}
	fmt.Printf("%c %8.2f  %-7s %s\n", mark, value, bound, what)
}

// size prints a number of bytes.
func size(n int) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KB", n>>10)
	}
	return fmt.Sprintf("%d MB", n>>20)
}
