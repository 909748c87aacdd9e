package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"kyc-ocr-relay/internal/gateway"
)

// variant is a function with settings of its own.
type variant struct{ name, program, store string }

// variants are what is compared: the relay alone and with a shared store that holds the pair, the obvious
// handler, and as a yardstick the floor, which makes one call of three and looks at nothing.
func (b *bench) variants(env map[string]string) ([]variant, func(), error) {
	all := []variant{{name: "relay", program: "."}, {name: "obvious", program: "obvious"}, {name: "floor", program: "floor"}}
	stop := func() {}
	stores := map[string]string{"relay, file": "file://" + filepath.ToSlash(filepath.Join(b.dir, "tickets"))}
	if path, err := exec.LookPath("redis-server"); err == nil {
		port, err := gateway.FreePort()
		if err != nil {
			return nil, nil, err
		}
		server := exec.CommandContext(b.ctx, path, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--dir", b.dir) // #nosec G204 -- the system's
		if err := server.Start(); err != nil {
			return nil, nil, err
		}
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			conn, err := new(net.Dialer).DialContext(b.ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err == nil {
				_ = conn.Close()
				break
			}
			if time.Now().After(deadline) {
				return nil, nil, err
			}
		}
		stop = func() {
			_ = server.Process.Kill()
			_ = server.Wait()
		}
		stores["relay, Redis"] = fmt.Sprintf("redis://127.0.0.1:%d", port)
	}
	for _, name := range slices.Sorted(maps.Keys(stores)) {
		v := variant{name: name, program: ".", store: stores[name]}
		// The pair is minted once, at full speed.
		f, err := gateway.StartEvent(b.ctx, gateway.Config{Binary: b.program(v.program), Env: v.env(env), EnvAtStart: true})
		if err == nil {
			_, err = b.ask(f, "s1024")
			_ = f.Close()
		}
		if err != nil {
			stop()
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, v)
	}
	return all, stop, nil
}

func (v variant) env(common map[string]string) map[string]string {
	env := maps.Clone(common)
	if v.store != "" {
		env["TICKET_STORE"] = v.store
	}
	return env
}

// warm are the answers of an instance that is in use, by what they are called; those that take the obvious
// handler long are fewer. Whoever gets a connection of its own for each query gets one once in a while: there
// is time between them for a share of a processor to be whole again.
var warm = []struct {
	name, order string
	times       int
	pause       time.Duration
}{
	{"1 KB", "s1024", 7, 0},
	{"1 KB, a new connection", "c1024", 7, 2 * period},
	{"256 KB", "s262144", 3, 0},
	{"1 MB", "s1048576", 3, 0},
	{"4 MB", "s4194304", 1, 0},
}

// share measures at one share.
func (b *bench) share(share int, env map[string]string, all []variant, l *latency) error {
	used := table{}
	for round := range b.rounds {
		for i := range all {
			v := all[(i+round)%len(all)]
			if err := b.underQuota(v.program, share, v.env(env), func(f *gateway.Event, begin time.Time) error {
				if err := b.first(f, v); err != nil {
					return err
				}
				l.first.add(v.name, float64(time.Since(begin).Microseconds())/1000)
				spent, err := cpu(f.Process().Pid)
				used.add(v.name, spent/1000)
				if v.name == "relay" || v.name == "obvious" {
					err = errors.Join(err, b.warm(f, v.name, l))
				}
				return err
			}); err != nil {
				return fmt.Errorf("%s: %w", v.name, err)
			}
		}
	}
	for _, v := range all {
		limit, cost := 0.0, 0.0
		switch {
		case v.name == "obvious":
			continue
		case share != shares[0]:
		case v.name == "relay":
			limit, cost = 0.4, 0.5
		case v.store != "":
			limit = 0.5
		}
		atMost(limit, l.first.ratio(v.name, "obvious"), "%d %%: %s: exec to first answer, to the obvious handler (%.0f ms to %.0f ms)", share, v.name, l.first.median(v.name), l.first.median("obvious"))
		atMost(cost, used.ratio(v.name, "obvious"), "%d %%: %s: processor time until then (%.1f ms to %.1f ms)", share, v.name, used.median(v.name), used.median("obvious"))
	}
	for _, w := range warm {
		t := l.warm[w.name]
		atMost(0, t.median("relay")/t.median("obvious"), "%d %%: %s, warm (%.2f ms to %.2f ms; p99 %.1f ms to %.1f ms)", share, w.name,
			t.median("relay"), t.median("obvious"), t.p99("relay"), t.p99("obvious"))
	}
	return nil
}

// first asks a function for the first time.
func (b *bench) first(f *gateway.Event, v variant) error {
	if v.program != "floor" {
		_, err := b.ask(f, "s1024")
		return err
	}
	r, err := f.Invoke(b.ctx, []byte(`{"path":"/ocr/bankcard/s1024"}`))
	if err == nil && (r.Error != nil || len(r.Payload) < 300) {
		err = fmt.Errorf("%d bytes, %v", len(r.Payload), r.Error)
	}
	return err
}

// warm asks a function again and again.
func (b *bench) warm(f *gateway.Event, name string, l *latency) error {
	for _, w := range warm {
		if l.warm[w.name] == nil {
			l.warm[w.name] = table{}
		}
		for range w.times {
			time.Sleep(w.pause)
			took, err := b.ask(f, w.order)
			if err != nil {
				return err
			}
			l.warm[w.name].add(name, took)
		}
	}
	return nil
}

func (t table) p99(name string) float64 {
	sorted := slices.Sorted(slices.Values(t[name]))
	return sorted[len(sorted)*99/100]
}
