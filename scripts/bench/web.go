package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kyc-ocr-relay/internal/gateway"
)

const connections = 32

// webServer is a server that is measured.
type webServer struct {
	name, url string
	process   *os.Process
}

// web measures requests a second through the Web function, against plain proxies that
// neither authenticate nor sign. The client and the upstream take their part of the
// cores: the CPU time of the servers alone stands beside.
func (b *bench) web() error {
	fmt.Printf("\nWeb function: requests a second, %d connections, as the relay's ratio\n", connections)
	names := []string{"relay", "proxy"}
	if _, err := exec.LookPath("nginx"); err == nil {
		names = append(names, "nginx")
	}
	for _, c := range []struct {
		size         int
		proxy, nginx float64 // limits
	}{{1 << 10, 1.3, 0.75}, {1 << 20, 1.2, 0}} {
		rates, times := table{}, table{}
		peak, err := b.turns(names, c.size, rates, times)
		if err != nil {
			return err
		}
		atLeast(c.proxy, rates.ratio("relay", "proxy"), "%s, to httputil.ReverseProxy (%.0f to %.0f; CPU %.0f µs to %.0f µs)",
			size(c.size), rates.median("relay"), rates.median("proxy"), times.median("relay"), times.median("proxy"))
		if len(names) == 3 {
			atLeast(c.nginx, rates.ratio("relay", "nginx"), "%s, to nginx (%.0f; CPU %.0f µs)", size(c.size), rates.median("nginx"), times.median("nginx"))
		}
		if c.size == 1<<20 {
			atMost(96, peak, "MB peak resident memory, %d answers of 1 MB at a time", connections)
		}
	}
	return nil
}

// turns starts the servers, measures them in turns, and returns the relay's peak memory.
func (b *bench) turns(names []string, size int, rates, times table) (peak float64, err error) {
	var servers []webServer
	for _, name := range names {
		free, err := gateway.FreePort()
		if err != nil {
			return 0, err
		}
		port := strconv.Itoa(free)
		command, err := b.server(name, port)
		if err != nil {
			return 0, err
		}
		if err := command.Start(); err != nil {
			return 0, err
		}
		defer func() {
			_ = command.Process.Kill()
			_ = command.Wait()
		}()
		servers = append(servers, webServer{name, fmt.Sprintf("http://127.0.0.1:%s/ocr/bankcard/s%d?get_file=1&order_no=s%d", port, size, size), command.Process})
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			if err := fetch(b.ctx, http.DefaultClient, servers[len(servers)-1].url, make([]byte, chunk)); err == nil {
				break
			} else if time.Now().After(deadline) {
				return 0, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	for round := range b.rounds + 1 {
		for i := range servers {
			s := servers[(i+round)%len(servers)]
			rate, time, err := b.load(s)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", s.name, err)
			}
			if round > 0 { // the first one warms up
				rates.add(s.name, rate)
				times.add(s.name, time)
			}
		}
	}
	return peakMB(servers[0].process.Pid)
}

// load runs a server under load for two turns, and returns the requests a second and the
// server's CPU microseconds for each.
func (b *bench) load(s webServer) (rate, microseconds float64, err error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true}}
	defer client.CloseIdleConnections()
	before, err := cpu(s.process.Pid)
	if err != nil {
		return 0, 0, err
	}
	var (
		done    atomic.Int64
		failed  atomic.Pointer[error]
		workers sync.WaitGroup
	)
	start := time.Now()
	for range connections {
		workers.Go(func() {
			buffer := make([]byte, chunk)
			for time.Since(start) < 2*turn {
				if err := fetch(b.ctx, client, s.url, buffer); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	workers.Wait()
	if err := failed.Load(); err != nil {
		return 0, 0, *err
	}
	elapsed := time.Since(start)
	after, err := cpu(s.process.Pid)
	return float64(done.Load()) / elapsed.Seconds(), (after - before) / float64(done.Load()), err
}

// chunk is what the client reads at once: with the 8 KB of io.Discard it would be busier
// than the servers.
const chunk = 128 << 10

func fetch(ctx context.Context, client *http.Client, url string, buffer []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	for err == nil {
		_, err = response.Body.Read(buffer)
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// server is the command of a server on port.
func (b *bench) server(name, port string) (*exec.Cmd, error) {
	if name != "nginx" {
		c := exec.CommandContext(b.ctx, b.program(name)) // #nosec G204 -- built above
		c.Env = []string{"PORT=" + port}
		for key, value := range b.env() {
			c.Env = append(c.Env, key+"="+value)
		}
		return c, nil
	}
	conf := strings.NewReplacer("PORT", port, "DIR", b.dir, "UPSTREAM", strings.TrimPrefix(b.base, "http://")).Replace(`
daemon off; master_process off; pid DIR/nginx.pid; error_log /dev/null;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path DIR; proxy_temp_path DIR; fastcgi_temp_path DIR; uwsgi_temp_path DIR; scgi_temp_path DIR;
  keepalive_requests 1000000000;
  upstream kyc { server UPSTREAM; keepalive 100; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:PORT; location / {
    rewrite .* /api/server/getBankCardOcrResult break; proxy_pass http://kyc;
    proxy_http_version 1.1; proxy_set_header Connection ""; } }
}`)
	path := filepath.Join(b.dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		return nil, err
	}
	return exec.CommandContext(b.ctx, "nginx", "-p", b.dir, "-c", path), nil // #nosec G204 -- a path of our own
}
