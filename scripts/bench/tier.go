package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kyc-ocr-relay/internal/gateway"
)

// The platform gives a processor in proportion to memory, 1280 MB being a core: these are the shares
// of 64, 128 and 1280 MB.
var shares = []int{5, 10, 100} // percent

// quotas is where the kernel takes quotas of a processor: version 1 of control groups.
const quotas = "/sys/fs/cgroup/cpu"

// tier measures the functions at the share of a processor that the smallest tiers have, over TLS. The
// order of the functions changes from round to round.
func (b *bench) tier() error {
	fmt.Println("\nat a share of a processor, over TLS")
	if _, err := os.Stat(filepath.Join(quotas, "cpu.cfs_quota_us")); err != nil {
		fmt.Println("  this machine takes no quota: run as root, with the cpu controller of control groups (version 1) at " + quotas)
		return nil
	}
	server, roots, err := b.secure()
	if err != nil {
		return err
	}
	defer server.Close()
	env := b.env()
	env["KYC_BASE_URL"], env["SSL_CERT_FILE"] = "https://"+server.Addr, roots
	var measured []latency
	for _, share := range shares {
		l := latency{share, table{}, map[string]table{}}
		if err := b.share(share, env, &l); err != nil {
			return err
		}
		measured = append(measured, l)
	}
	return errors.Join(b.latencyPicture(measured), b.cost(env))
}

// share measures at one share.
func (b *bench) share(share int, env map[string]string, l *latency) error {
	names := []string{"relay", "obvious"}
	first, used := table{}, table{}
	warm := map[string]table{"1 KB": {}, "1 MB": {}, "1 KB, a new connection": {}}
	for round := range b.rounds {
		for i := range names {
			name := names[(i+round)%len(names)]
			if err := b.underQuota(name, share, env, func(f *gateway.Event, begin time.Time) error {
				if _, err := b.ask(f, "s1024"); err != nil {
					return err
				}
				first.add(name, float64(time.Since(begin).Microseconds())/1000)
				spent, err := cpu(f.Process().Pid)
				used.add(name, spent/1000)
				for what, order := range map[string]string{"1 KB": "s1024", "1 MB": "s1048576", "1 KB, a new connection": "c1024"} {
					for range 7 {
						took, e := b.ask(f, order)
						err = errors.Join(err, e)
						warm[what].add(name, took)
					}
				}
				return err
			}); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	l.first, l.warm = first, warm
	limit, cost := 0.4, 0.5
	if share != shares[0] {
		limit, cost = 0, 0
	}
	atMost(limit, first.ratio("relay", "obvious"), "%d %%: exec to first answer, to the obvious handler (%.0f ms to %.0f ms)", share, first.median("relay"), first.median("obvious"))
	atMost(cost, used.ratio("relay", "obvious"), "%d %%: processor time until then (%.1f ms to %.1f ms)", share, used.median("relay"), used.median("obvious"))
	for _, what := range []string{"1 KB", "1 MB", "1 KB, a new connection"} {
		t := warm[what]
		fmt.Printf("  %8.2f          %d %%: %s, warm (%.2f ms to %.2f ms; p99 %.1f ms to %.1f ms)\n", t.median("relay")/t.median("obvious"), share, what,
			t.median("relay"), t.median("obvious"), t.p99("relay"), t.p99("obvious"))
	}
	return nil
}

func (t table) p99(name string) float64 {
	sorted := slices.Sorted(slices.Values(t[name]))
	return sorted[len(sorted)*99/100]
}

// underQuota runs f with a function that was started under a quota.
func (b *bench) underQuota(name string, share int, env map[string]string, f func(*gateway.Event, time.Time) error) error {
	group, err := os.MkdirTemp(quotas, "kyc-ocr-relay-bench-")
	if err != nil {
		return err
	}
	defer os.Remove(group)
	for file, value := range map[string]int{"cpu.cfs_period_us": 100_000, "cpu.cfs_quota_us": share * 1000} {
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
		return 0, fmt.Errorf("unexpected answer of %d bytes: %v, %v", len(r.Payload), err, r.Error)
	}
	return float64(time.Since(begin).Microseconds()) / 1000, nil
}

// secure starts an upstream with TLS, and returns a file with the system's roots and its own.
func (b *bench) secure() (*http.Server, string, error) {
	certificate, root, err := chain()
	if err != nil {
		return nil, "", err
	}
	system, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		return nil, "", fmt.Errorf("the system's roots, of the package ca-certificates: %w", err)
	}
	file := filepath.Join(b.dir, "roots.pem")
	if err := os.WriteFile(file, append(system, root...), 0o600); err != nil {
		return nil, "", err
	}
	listener, err := new(net.ListenConfig).Listen(b.ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	answer := &upstream{}
	server := &http.Server{ // #nosec G112 -- only the benchmarked programs ask it
		Addr:      listener.Addr().String(),
		ErrorLog:  log.New(io.Discard, "", 0),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			query := r.URL.Query()
			if order, ends := strings.CutPrefix(query.Get("order_no"), "c"); ends {
				query.Set("order_no", "s"+order)
				r.URL.RawQuery = query.Encode()
				w.Header().Set("Connection", "close")
			}
			answer.ServeHTTP(w, r)
		}),
	}
	go server.ServeTLS(listener, "", "")
	return server, file, nil
}

// chain returns a certificate for 127.0.0.1 with RSA-2048, as the vendor's, its intermediate, and the
// root in PEM.
func chain() (certificate tls.Certificate, root []byte, err error) {
	var parent *x509.Certificate
	var parentKey *rsa.PrivateKey
	for i := range 3 {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return certificate, nil, err
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: fmt.Sprint("bench ", i)},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
			IsCA: i < 2, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		}
		if parent == nil {
			parent, parentKey = template, key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
		if err != nil {
			return certificate, nil, err
		}
		if i == 0 {
			root = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		} else {
			certificate.Certificate = append([][]byte{der}, certificate.Certificate...)
		}
		if parent, err = x509.ParseCertificate(der); err != nil {
			return certificate, nil, err
		}
		parentKey, certificate.PrivateKey = key, key
	}
	return certificate, root, nil
}
