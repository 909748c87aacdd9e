package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kyc-ocr-relay/internal/gateway"
)

// The platform gives a processor in proportion to memory, 1280 MB being a core: these are the shares
// of 64, 128 and 1280 MB.
var shares = []int{5, 10, 100} // percent

// quotas is where the kernel takes quotas of a processor: version 1 of control groups.
const quotas = "/sys/fs/cgroup/cpu"

// period is what a quota is counted in.
const period = 100 * time.Millisecond

// tier measures the functions at the share of a processor that the smallest tiers have, over TLS. The
// order of the functions changes from round to round.
func (b *bench) tier() error {
	fmt.Println("\nat a share of a processor, over TLS")
	if _, err := os.Stat(filepath.Join(quotas, "cpu.cfs_quota_us")); err != nil {
		fmt.Println("  this machine takes no quota: run as root, with the cpu controller of control groups (version 1) at " + quotas)
		return nil
	}
	server, roots, err := b.secure(&upstream{}, 0)
	if err != nil {
		return err
	}
	defer server.Close()
	env := b.env()
	env["KYC_BASE_URL"], env["SSL_CERT_FILE"] = "https://"+server.Addr, roots
	all, stop, err := b.variants(env)
	if err != nil {
		return err
	}
	defer stop()
	var measured []latency
	for _, share := range shares {
		l := latency{share, table{}, map[string]table{}}
		if err := b.share(share, env, all, &l); err != nil {
			return err
		}
		measured = append(measured, l)
	}
	return errors.Join(b.latencyPicture(measured), b.due(), b.cost(env))
}

// underQuota runs f with a function that was started under a quota.
func (b *bench) underQuota(name string, share int, env map[string]string, f func(*gateway.Event, time.Time) error) error {
	group, err := os.MkdirTemp(quotas, "kyc-ocr-relay-bench-")
	if err != nil {
		return err
	}
	defer os.Remove(group)
	for file, value := range map[string]int{"cpu.cfs_period_us": int(period / time.Microsecond), "cpu.cfs_quota_us": share * int(period/time.Microsecond) / 100} {
		if err := os.WriteFile(filepath.Join(group, file), fmt.Append(nil, value), 0o600); err != nil {
			return err
		}
	}
	start := filepath.Join(b.dir, "start-"+name)
	script := fmt.Sprintf("#!/bin/sh\necho $$ >%s/cgroup.procs\nexec %s\n", group, b.program(name))
	err = os.WriteFile(start, []byte(script), 0o700) // #nosec G306 -- it is run
	if err != nil {
		return err
	}
	begin := time.Now()
	function, err := gateway.StartEvent(b.ctx, gateway.Config{Binary: start, Env: env, EnvAtStart: true})
	if err != nil {
		return err
	}
	defer func() { _ = function.Close() }()
	return f(function, begin)
}

// ask returns how long an answer took, in milliseconds.
func (b *bench) ask(f *gateway.Event, order string) (float64, error) {
	event := fmt.Appendf(nil, `{"headers":{"authorization":"Bearer %s"},"httpMethod":"GET","path":"/ocr/bankcard/%s","queryString":{"get_file":"1"}}`, token, order)
	begin := time.Now()
	r, err := f.Invoke(b.ctx, event)
	if err != nil || r.Error != nil || !strings.Contains(string(r.Payload[:min(60, len(r.Payload))]), "200") {
		return 0, fmt.Errorf("unexpected answer of %d bytes: %.400s, %v, %v", len(r.Payload), r.Payload, err, r.Error)
	}
	return float64(time.Since(begin).Microseconds()) / 1000, nil
}
