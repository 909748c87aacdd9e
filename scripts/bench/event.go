package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"kyc-ocr-relay/internal/gateway"
)

// tick is the unit of CPU times in /proc: USER_HZ is 100 on every Linux that matters.
const tick = 10 * time.Millisecond

// event measures the CPU time of an invocation of the event function.
func (b *bench) event() error {
	fmt.Println("\nCPU time of an invocation, event function (µs, and the relay's ratio to it)")
	fmt.Println("  answer       relay     obvious           floor")
	for _, size := range []int{1 << 10, 256 << 10, 4 << 20} {
		calls := max(100, min(20000, (256<<20)/size))
		times := map[string][]float64{}
		for range b.rounds {
			for _, name := range []string{"relay", "obvious", "floor"} {
				t, err := b.invocations(name, size, calls)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				times[name] = append(times[name], t)
			}
		}
		relay, obvious, floor := median(times["relay"]), median(times["obvious"]), median(times["floor"])
		fmt.Printf("  %4d KB  %9.0f   %9.0f %5.2f  %9.0f %5.2f\n", size>>10, relay, obvious, relay/obvious, floor, relay/floor)
	}
	return nil
}

// invocations returns the CPU microseconds of one of many invocations.
func (b *bench) invocations(name string, size, calls int) (float64, error) {
	f, err := gateway.StartEvent(b.ctx, gateway.Config{Binary: b.program(name), Env: b.env(), EnvAtStart: true, Log: os.Stderr})
	if err != nil {
		return 0, err
	}
	defer f.Close()
	event := fmt.Appendf(nil, `{"body":"","headers":{"accept":"*/*","authorization":"Bearer %s"},"httpMethod":"GET","path":"/ocr/bankcard/s%d","queryString":{"get_file":"1"}}`, token, size)
	invoke := func(n int) error {
		for range n {
			r, err := f.Invoke(b.ctx, event)
			if err != nil {
				return err
			}
			if r.Error != nil || len(r.Payload) < size/2 || !strings.Contains(string(r.Payload[:min(60, len(r.Payload))]), "200") && name == "relay" {
				return fmt.Errorf("unexpected answer of %d bytes, error %v", len(r.Payload), r.Error)
			}
		}
		return nil
	}
	if err := invoke(max(3, calls/20)); err != nil { // warm up
		return 0, err
	}
	before, err := cpu(f.Process().Pid)
	if err != nil {
		return 0, err
	}
	if err := invoke(calls); err != nil {
		return 0, err
	}
	after, err := cpu(f.Process().Pid)
	return float64((after - before).Microseconds()) / float64(calls), err
}

// cpu returns the CPU time of a process, user and system. Linux only.
func cpu(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("/proc/%d/stat cannot be read", pid)
	}
	return time.Duration(user+system) * tick, nil
}

// cold measures the time from exec to the first Ping answered.
func (b *bench) cold() error {
	times := map[string][]float64{}
	for range 10 * b.rounds {
		for _, name := range []string{"relay", "empty"} {
			f, err := gateway.StartEvent(b.ctx, gateway.Config{Binary: b.program(name), Env: b.env(), EnvAtStart: true})
			if err != nil {
				return err
			}
			times[name] = append(times[name], float64(f.Started().Microseconds())/1000)
			_ = f.Close()
		}
	}
	relay, empty := median(times["relay"]), median(times["empty"])
	fmt.Printf("\ncold start, exec to first Ping (ms): relay %.2f, an empty function %.2f, ratio %.2f\n", relay, empty, relay/empty)
	return nil
}

// memory measures the peak resident memory of the event function after 50 large answers.
func (b *bench) memory() error {
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
	fmt.Printf("\npeak resident memory, event function, 50 answers of 5.5 MB: %.1f MB\n", peak)
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
