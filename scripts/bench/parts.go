package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kyc-ocr-relay/internal/archive"
)

// benchmark is a line that go test -bench prints.
var benchmark = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([0-9.]+) ns/op(?:.*?\s(\d+) allocs/op)?`)

// measured are the benchmarks that parts runs, by the package that they stand in.
var measured = map[string][]string{
	"./signer":            {"Sign/sign", "Sign/sha1", "Nonce"},
	"./internal/ticket":   {"Get/ticket/one", "Get/oauth2/one", "Get/ticket/all", "Get/oauth2/all"},
	"./internal/jsonscan": {"Check/Check/4194304", "Check/encoding.json/4194304"},
	"./handler":           {"DecodeEvent/decodeEvent", "DecodeEvent/encoding.json", "Encode/in_place/4194304", "Encode/encoding.json/4194304", "Lend/token", "Lend/ticket", "Lend/result"},
}

// coldStart is the test of a cold start with a shared store that holds a pair, in ./internal/endtoend.
const coldStart = "TestColdStartTakesTheSharedPair"

// benchmarks runs what is measured once, each for a time as the go command reads it, and hands the
// figures to add. It fails where one is not there.
func benchmarks(ctx context.Context, folder, duration string, add func(name string, ns, allocations float64)) error {
	names := slices.Concat(slices.Collect(maps.Values(measured))...)
	var tops []string
	for _, name := range names {
		top, _, _ := strings.Cut(name, "/")
		tops = append(tops, top)
	}
	arguments := append([]string{"test", "-p", "1", "-run", "^$", "-bench", "^Benchmark(" + strings.Join(tops, "|") + ")$",
		"-benchtime", duration, "-benchmem"}, slices.Sorted(maps.Keys(measured))...)
	test := exec.CommandContext(ctx, "go", arguments...) // #nosec G204 -- constants
	test.Dir = folder
	out, err := test.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	found := map[string]bool{}
	for _, m := range benchmark.FindAllSubmatch(out, -1) {
		ns, _ := strconv.ParseFloat(string(m[2]), 64)
		n, _ := strconv.ParseFloat(string(m[3]), 64)
		found[string(m[1])] = true
		add(string(m[1]), ns, n)
	}
	if missing := slices.DeleteFunc(names, func(name string) bool { return found[name] }); len(missing) > 0 {
		return fmt.Errorf("no benchmark %s", strings.Join(missing, ", "))
	}
	return nil
}

// parts runs the benchmarks that stand beside what they measure.
func (b *bench) parts() error {
	fmt.Println("\nparts: go test -bench")
	times, allocations := table{}, table{}
	for range b.rounds {
		err := benchmarks(b.ctx, ".", "200ms", func(name string, ns, n float64) {
			times.add(name, ns)
			allocations.add(name, n)
		})
		if err != nil {
			return err
		}
	}
	figures(times, allocations)
	return nil
}

// figures prints what measured names.
func figures(times, allocations table) {
	atMost(1.6, times.ratio("Sign/sign", "Sign/sha1"), "sign, to the bare SHA-1 of the same bytes (%.0f ns)", times.median("Sign/sign"))
	atMost(1, allocations.median("Sign/sign"), "allocation")
	atMost(1, allocations.median("Nonce"), "allocation, nonce (%.0f ns)", times.median("Nonce"))
	for _, c := range []struct{ name, what string }{{"one", "one goroutine"}, {"all", "all cores"}} {
		atMost(1, times.ratio("Get/ticket/"+c.name, "Get/oauth2/"+c.name), "ticket hit, to ReuseTokenSource of x/oauth2, %s (%.0f ns)", c.what, times.median("Get/ticket/"+c.name))
	}
	for _, c := range []struct{ name, to, what string }{
		{"Check/Check/4194304", "Check/encoding.json/4194304", "scan of 4 MB for the code, to encoding/json"},
		{"DecodeEvent/decodeEvent", "DecodeEvent/encoding.json", "decoding an event, to encoding/json"},
		{"Encode/in_place/4194304", "Encode/encoding.json/4194304", "encoding a response of 4 MB, to encoding/json"},
		{"Lend/token", "Lend/result", "token lent from memory, to the function's own part of a result"},
		{"Lend/ticket", "Lend/result", "ticket lent from memory, likewise"},
	} {
		atMost(0, times.ratio(c.name, c.to), "%s (%.0f µs)", c.what, times.median(c.name)/1000)
	}
}

// shared runs the test of a cold start with a shared store that holds a pair.
func (b *bench) shared() error {
	test := exec.CommandContext(b.ctx, "go", "test", "-count=1", "-run", "^"+coldStart+"$", "./internal/endtoend")
	if out, err := test.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	fmt.Println("       yes          with a shared store that holds a pair, the first query costs no mint (" + coldStart + ")")
	return nil
}

// zip measures what is deployed.
func (b *bench) zip() error {
	fmt.Println("\nsize")
	folder, err := os.Getwd()
	if err != nil {
		return err
	}
	a, err := archive.Build(b.ctx, folder, archive.Event)
	if err != nil {
		return err
	}
	atMost(5, float64(len(a.Zip))/1e6, "MB, the zip that is deployed")
	return nil
}
