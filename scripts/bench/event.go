package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"kyc-ocr-relay/internal/gateway"
)

// turn is how long a program is measured until it is another's turn.
const turn = 200 * time.Millisecond

// event measures the CPU time of an invocation of the event function.
func (b *bench) event() error {
	fmt.Println("\nevent function: CPU time of an invocation, as the relay's ratio")
	logging := b.env()
	delete(logging, "LOG_LEVEL")
	functions := map[string]*gateway.Event{}
	names := []string{"relay", "logging", "obvious", "floor"}
	for _, name := range names {
		c := gateway.Config{Binary: b.program(name), Env: b.env(), EnvAtStart: true}
		if name == "logging" {
			c.Binary, c.Env = b.program("relay"), logging
		}
		f, err := gateway.StartEvent(b.ctx, c)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		defer f.Close()
		functions[name] = f
	}
	for _, c := range []struct {
		size           int
		obvious, floor float64 // limits
	}{{1 << 10, 0.8, 0}, {256 << 10, 0.1, 0}, {4 << 20, 0.06, 1.5}} {
		times := table{}
		for round := range b.rounds + 1 {
			for i := range names {
				name := names[(i+round)%len(names)]
				t, err := b.invocations(functions[name], c.size)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				if round > 0 { // the first one warms up
					times.add(name, t)
				}
			}
		}
		atMost(c.obvious, times.ratio("relay", "obvious"), "%s, to the obvious handler (%.0f µs to %.0f µs; with the relay's log line %.2f)",
			size(c.size), times.median("relay"), times.median("obvious"), times.ratio("logging", "obvious"))
		atMost(c.floor, times.ratio("relay", "floor"), "%s, to the floor (%.0f µs)", size(c.size), times.median("floor"))
	}
	return nil
}

// invocations returns the CPU microseconds of an invocation, over one turn.
func (b *bench) invocations(f *gateway.Event, size int) (float64, error) {
	event := fmt.Appendf(nil, `{"body":"","headers":{"accept":"*/*","authorization":"Bearer %s"},"httpMethod":"GET","path":"/ocr/bankcard/s%d","queryString":{"get_file":"1"}}`, token, size)
	before, err := cpu(f.Process().Pid)
	if err != nil {
		return 0, err
	}
	calls := 0
	for start := time.Now(); calls < 5 || time.Since(start) < turn; calls++ {
		r, err := f.Invoke(b.ctx, event)
		if err != nil {
			return 0, err
		}
		// What the floor returns has no status.
		if r.Error != nil || len(r.Payload) < size/2 || bytes.HasPrefix(r.Payload, []byte("{")) && !bytes.Contains(r.Payload[:60], []byte("200")) {
			return 0, fmt.Errorf("unexpected answer of %d bytes, error %v", len(r.Payload), r.Error)
		}
	}
	after, err := cpu(f.Process().Pid)
	return (after - before) / float64(calls), err
}

// cpu returns the CPU microseconds of a process, user and system. Linux only: the clock
// of a whole process counts in hundredths of a second there, that of a thread is exact.
func cpu(pid int) (sum float64, err error) {
	folder := fmt.Sprintf("/proc/%d/task", pid)
	threads, err := os.ReadDir(folder)
	if err != nil {
		return 0, err
	}
	for _, thread := range threads {
		text, err := os.ReadFile(folder + "/" + thread.Name() + "/schedstat") // #nosec G304 -- below /proc
		if err != nil {
			return 0, err
		}
		nanoseconds, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseFloat(nanoseconds, 64)
		if err != nil {
			return 0, fmt.Errorf("%s cannot be read", folder)
		}
		sum += n / 1000
	}
	return sum, nil
}

// cold measures the time from exec to the first Ping answered.
func (b *bench) cold() error {
	fmt.Println("\ncold start")
	times, names := table{}, []string{"relay", "empty"}
	for range 10 * b.rounds {
		slices.Reverse(names)
		for _, name := range names {
			f, err := gateway.StartEvent(b.ctx, gateway.Config{Binary: b.program(name), Env: b.env(), EnvAtStart: true})
			if err != nil {
				return err
			}
			times.add(name, float64(f.Started().Microseconds())/1000)
			_ = f.Close()
		}
	}
	relay, empty := times.median("relay"), times.median("empty")
	atMost(1.2, relay/empty, "exec to first Ping, to an empty function (%.2f ms to %.2f ms)", relay, empty)
	return b.shared()
}

// memory measures the peak resident memory of the event function after 50 large answers.
func (b *bench) memory() error {
	fmt.Println("\nevent function: peak resident memory")
	f, err := gateway.StartEvent(b.ctx, gateway.Config{Binary: b.program("."), Env: b.env(), EnvAtStart: true})
	if err != nil {
		return err
	}
	defer f.Close()
	event := fmt.Appendf(nil, `{"headers":{"authorization":"Bearer %s"},"httpMethod":"GET","path":"/ocr/bankcard/s%d","queryString":{"get_file":"1"}}`, token, 11<<19)
	for range 50 {
		if r, err := f.Invoke(b.ctx, event); err != nil || r.Error != nil || len(r.Payload) < 11<<19 {
			return fmt.Errorf("answer of %d bytes: %v, %v", len(r.Payload), err, r.Error)
		}
	}
	peak, err := peakMB(f.Process().Pid)
	if err != nil {
		return err
	}
	atMost(40, peak, "MB, 50 answers of 5.5 MB")
	return nil
}

// peakMB returns the peak resident memory of a process. Linux only.
func peakMB(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(text), "VmHWM:")
	if !ok {
		return 0, fmt.Errorf("/proc/%d/status has no VmHWM", pid)
	}
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return kb / 1024, err
}
