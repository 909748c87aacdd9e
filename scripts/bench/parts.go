package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"

	"kyc-ocr-relay/internal/archive"
)

// benchmark is a line that go test -bench prints.
var benchmark = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([0-9.]+) ns/op(?:.*?\s(\d+) allocs/op)?`)

// parts runs the benchmarks that stand beside what they measure.
func (b *bench) parts() error {
	fmt.Println("\nparts: go test -bench")
	times, allocations := table{}, table{}
	for range b.rounds {
		test := exec.CommandContext(b.ctx, "go", "test", "-p", "1", "-run", "^$", "-bench", "^Benchmark(Sign|Nonce|Get|Check|DecodeEvent|Encode)$", "-benchtime", "50ms", "-benchmem",
			"./signer", "./internal/ticket", "./internal/jsonscan", "./handler")
		out, err := test.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		for _, m := range benchmark.FindAllSubmatch(out, -1) {
			ns, _ := strconv.ParseFloat(string(m[2]), 64)
			n, _ := strconv.ParseFloat(string(m[3]), 64)
			times.add(string(m[1]), ns)
			allocations.add(string(m[1]), n)
		}
	}
	for _, name := range []string{"Sign/sign", "Nonce", "Get/ticket/one", "Check/Check/1024", "DecodeEvent/decodeEvent", "Encode/in_place/1024"} {
		if len(times[name]) != b.rounds {
			return fmt.Errorf("no benchmark %s", name)
		}
	}
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
	} {
		atMost(0, times.ratio(c.name, c.to), "%s (%.0f µs)", c.what, times.median(c.name)/1000)
	}
	return nil
}

// shared runs the test of a cold start with a shared store that holds a pair.
func (b *bench) shared() error {
	test := exec.CommandContext(b.ctx, "go", "test", "-count=1", "-run", "^TestColdStartTakesTheSharedPair$", "./internal/endtoend")
	if out, err := test.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	fmt.Println("       yes          with a shared store that holds a pair, the first query costs no mint (TestColdStartTakesTheSharedPair)")
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
