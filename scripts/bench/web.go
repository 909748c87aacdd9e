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

// web measures requests a second through the Web function, against plain proxies that
// neither authenticate nor sign.
func (b *bench) web() error {
	names := []string{"relay", "proxy"}
	if _, err := exec.LookPath("nginx"); err == nil {
		names = append(names, "nginx")
	}
	fmt.Printf("\nrequests a second, Web function, %d connections (and the relay's ratio to it)\n", connections)
	var peak float64
	for _, size := range []int{1 << 10, 1 << 20} {
		rates := map[string][]float64{}
		for range b.rounds {
			for _, name := range names {
				rate, memory, err := b.load(name, size)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				rates[name] = append(rates[name], rate)
				if name == "relay" && size == 1<<20 {
					peak = max(peak, memory)
				}
			}
		}
		relay := median(rates["relay"])
		fmt.Printf("  %4d KB  relay %.0f", size>>10, relay)
		for _, name := range names[1:] {
			other := median(rates[name])
			fmt.Printf(", %s %.0f %.2f", name, other, relay/other)
		}
		fmt.Println()
	}
	fmt.Printf("peak resident memory, Web function, %d concurrent answers of 1 MB: %.1f MB\n", connections, peak)
	return nil
}

// load runs a server under load for two seconds.
func (b *bench) load(name string, size int) (rate, memory float64, err error) {
	free, err := gateway.FreePort()
	if err != nil {
		return 0, 0, err
	}
	port := strconv.Itoa(free)
	server, err := b.server(name, port)
	if err != nil {
		return 0, 0, err
	}
	if err := server.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	}()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true}}
	defer client.CloseIdleConnections()
	url := fmt.Sprintf("http://127.0.0.1:%s/ocr/bankcard/s%d?get_file=1&order_no=s%d", port, size, size)
	for deadline := time.Now().Add(10 * time.Second); ; {
		if err := fetch(b.ctx, client, url); err == nil {
			break
		} else if time.Now().After(deadline) {
			return 0, 0, err
		}
		time.Sleep(10 * time.Millisecond)
	}
	var (
		done    atomic.Int64
		failed  atomic.Pointer[error]
		workers sync.WaitGroup
	)
	ctx, cancel := context.WithTimeout(b.ctx, 2*time.Second)
	defer cancel()
	start := time.Now()
	for range connections {
		workers.Go(func() {
			for ctx.Err() == nil {
				if err := fetch(ctx, client, url); err == nil {
					done.Add(1)
				} else if ctx.Err() == nil {
					failed.Store(&err)
					return
				}
			}
		})
	}
	workers.Wait()
	if err := failed.Load(); err != nil {
		return 0, 0, *err
	}
	memory, err = peakMB(server.Process.Pid)
	return float64(done.Load()) / time.Since(start).Seconds(), memory, err
}

func fetch(ctx context.Context, client *http.Client, url string) error {
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
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// server is the command of a server on port.
func (b *bench) server(name, port string) (*exec.Cmd, error) {
	if name != "nginx" {
		c := exec.CommandContext(b.ctx, b.program(name)) // #nosec G204 -- what was built for it
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
  upstream kyc { server UPSTREAM; keepalive 100; }
  server { listen 127.0.0.1:PORT; location / {
    proxy_pass http://kyc/api/server/getBankCardOcrResult$is_args$args; rewrite .* /api/server/getBankCardOcrResult break; proxy_pass http://kyc;
    proxy_http_version 1.1; proxy_set_header Connection ""; } }
}`)
	conf = strings.Replace(conf, "proxy_pass http://kyc/api/server/getBankCardOcrResult$is_args$args; ", "", 1)
	path := filepath.Join(b.dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		return nil, err
	}
	return exec.CommandContext(b.ctx, "nginx", "-p", b.dir, "-c", path), nil // #nosec G204 -- with files of our own
}
