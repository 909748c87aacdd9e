package store

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/gomodule/redigo/redis"

	"kyc-ocr-relay/internal/redact"
	"kyc-ocr-relay/internal/ticket"
)

const password = "canary-Pa55/w:rd"

func redisAt(scheme, address, user string) string {
	return (&url.URL{Scheme: scheme, User: url.UserPassword(user, password), Host: address, Path: "/2"}).String()
}

func openRedisAt(t testing.TB, location string, roots *x509.CertPool) ticket.Store {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	s, err := openRedis(u, roots)
	return opened(t, s, err)
}

func startMini(t testing.TB) *miniredis.Miniredis {
	t.Helper()
	mini := miniredis.NewMiniRedis()
	mini.RequireAuth(password)
	if err := mini.StartAddr("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mini.Close)
	return mini
}

func TestMiniredis(t *testing.T) {
	mini := startMini(t)
	now := time.Now().Add(5 * time.Minute).Truncate(time.Microsecond)
	mini.SetTime(now)
	location := redisAt("redis", mini.Addr(), "")
	conform(t, medium{
		open:       func(t testing.TB) ticket.Store { return openRedisAt(t, location, nil) },
		now:        func() time.Time { return now },
		increments: 1,
		down:       func(*testing.T) { mini.Close() },
		up:         func(t *testing.T) { mustDo(t, mini.Restart()) },
		lose: func(*testing.T) {
			mini.FlushAll()
			now = now.Add(time.Second)
			mini.SetTime(now)
		},
		canaries: []string{"canary", mini.Port()},
	})
	if ttl := mini.DB(2).TTL(redisKey("trip")); ttl != redisLife {
		t.Errorf("an abandoned key lives for %v", ttl)
	}
}

func mustDo(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// server is a real redis-server, of which nothing is kept on disk.
type server struct {
	address string
	args    []string
	command *exec.Cmd
}

func startServer(t testing.TB, port string, args ...string) *server {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server here: install the package of that name (Debian) to run this test")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	mustDo(t, err)
	defer l.Close()
	_, free, _ := net.SplitHostPort(l.Addr().String())
	s := &server{
		address: l.Addr().String(),
		args:    append([]string{path, port, free, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir()}, args...),
	}
	l.Close()
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

// start starts the process and waits until it says that it is ready.
func (s *server) start(t testing.TB) {
	t.Helper()
	s.command = exec.Command(s.args[0], s.args[1:]...)
	out, err := s.command.StdoutPipe()
	mustDo(t, err)
	mustDo(t, s.command.Start())
	lines := bufio.NewScanner(out)
	var said strings.Builder
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "eady to accept connections") {
			return
		}
	}
	t.Fatalf("redis-server did not start: %s", &said)
}

func (s *server) stop() {
	_ = s.command.Process.Kill()
	_ = s.command.Wait()
}

func (s *server) medium(location string, roots *x509.CertPool) medium {
	return medium{
		open:      func(t testing.TB) ticket.Store { return openRedisAt(t, location, roots) },
		now:       func() time.Time { return time.Now().Round(0) },
		precision: 10 * time.Millisecond,
		down:      func(*testing.T) { s.stop() },
		up:        func(t *testing.T) { s.start(t) },
		lose:      func(t *testing.T) { s.stop(); s.start(t) },
		canaries:  []string{"canary", s.address},
	}
}

func TestRedisServer(t *testing.T) {
	s := startServer(t, "--port", "--requirepass", password)
	m := s.medium(redisAt("redis", s.address, ""), nil)
	m.refusals = map[string]func(*testing.T) func(){
		"too few replicas": s.refuse([]any{"CONFIG", "SET", "min-slaves-to-write", 1}, []any{"CONFIG", "SET", "min-slaves-to-write", 0}),
		"no memory":        s.refuse([]any{"CONFIG", "SET", "maxmemory", 1}, []any{"CONFIG", "SET", "maxmemory", 0}),
		"replica":          s.refuse([]any{"SLAVEOF", "127.0.0.1", "1"}, []any{"SLAVEOF", "NO", "ONE"}),
	}
	conform(t, m)
}

// refuse has the server take no writes until it is told otherwise.
func (s *server) refuse(on, off []any) func(*testing.T) func() {
	return func(t *testing.T) func() {
		s.do(t, on...)
		return func() { s.do(t, off...) }
	}
}

func (s *server) do(t testing.TB, command ...any) {
	t.Helper()
	conn, err := redis.Dial("tcp", s.address, redis.DialPassword(password))
	mustDo(t, err)
	defer conn.Close()
	_, err = conn.Do(command[0].(string), command[1:]...)
	mustDo(t, err)
}

// A name that leads to a new master is followed at once: the connections to the old one, which
// reads as before, are given up upon its first refusal, and that call is not even lost.
func TestRedisFollowsTheMaster(t *testing.T) {
	old, promoted := startServer(t, "--port", "--requirepass", password), startServer(t, "--port", "--requirepass", password)
	f := forward(t, old.address)
	s := openRedisAt(t, redisAt("redis", f.Addr().String(), ""), nil)
	var all sync.WaitGroup
	for i := range 3 * connections { // so that every connection is open
		all.Go(func() { mustLoad(t, s, fmt.Sprint("other", i)) })
	}
	all.Wait()
	mustSwap(t, s, "app", 0, []byte("one"))
	one, err := s.Load(t.Context(), "app")
	mustDo(t, err)

	host, port, _ := net.SplitHostPort(old.address)
	promoted.do(t, "CONFIG", "SET", "masterauth", password)
	old.do(t, "CONFIG", "SET", "repl-diskless-sync-delay", 0)
	promoted.do(t, "SLAVEOF", host, port)
	direct := openRedisAt(t, redisAt("redis", promoted.address, ""), nil)
	for { // until it has copied what the master has
		if v, err := direct.Load(t.Context(), "app"); err == nil && v.Version == one.Version {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	promoted.do(t, "SLAVEOF", "NO", "ONE")
	old.do(t, "SLAVEOF", "127.0.0.1", "1")
	f.server.Store(&promoted.address)

	if ok, err := s.Swap(t.Context(), "app", one.Version, []byte("two")); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	for range connections + 1 {
		if v := mustLoad(t, s, "app"); v.Version != 2 || string(v.Data) != "two" {
			t.Errorf("got %+v", v)
		}
	}
	if v, err := direct.Load(t.Context(), "app"); err != nil || string(v.Data) != "two" {
		t.Errorf("got %+v, %v", v, err)
	}
}

func TestRedisCode(t *testing.T) {
	for answer, want := range map[string]string{
		"READONLY You can't write against a read only replica. script: 0123, on @user_script:3.":            "READONLY",
		"ERR Error running script (call to f_01): @user_script:3: @user_script: 3: -READONLY You can't w.":  "READONLY",
		"ERR Error running script (call to f_01): @user_script: 3: -OOM command not allowed when used mem.": "OOM",
		"ERR unknown command - EVAL": "ERR",
		"ERR":                        "ERR",
	} {
		if got := code(redis.Error(answer)); got != want {
			t.Errorf("%q has the code %q", answer, got)
		}
	}
}

func TestRedisTLS(t *testing.T) {
	certificate, key, roots := authority(t)
	s := startServer(t, "--tls-port", "--port", "0", "--tls-auth-clients", "no", "--tls-cert-file", certificate,
		"--tls-key-file", key, "--tls-ca-cert-file", certificate, "--user", "kyc", "on", ">"+password, "~kyc-ocr-relay:*", "+@all")
	location := redisAt("rediss", s.address, "kyc")
	conform(t, s.medium(location, roots))

	t.Run("unknown authority", func(t *testing.T) {
		_, err := openRedisAt(t, location, nil).Load(t.Context(), "app")
		if !errors.Is(err, redact.ErrCertificate) {
			t.Error(err)
		}
	})
	t.Run("without TLS", func(t *testing.T) {
		m := s.medium(redisAt("redis", s.address, "kyc"), nil)
		wantError(t, m, t.Context(), m.open(t), nil)
	})
}

// authority makes a certificate for 127.0.0.1 that has signed itself.
func authority(t *testing.T) (certificate, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	mustDo(t, err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	mustDo(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	mustDo(t, err)
	write := func(name, kind string, data []byte) string {
		path := filepath.Join(t.TempDir(), name)
		mustDo(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600))
		return path
	}
	parsed, err := x509.ParseCertificate(der)
	mustDo(t, err)
	roots = x509.NewCertPool()
	roots.AddCert(parsed)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", encoded), roots
}

func TestRedisWrongPassword(t *testing.T) {
	mini := startMini(t)
	mini.RequireAuth("another")
	m := medium{canaries: []string{"canary", "another", mini.Port()}}
	for name, location := range map[string]string{
		"wrong": redisAt("redis", mini.Addr(), ""),
		"user":  redisAt("redis", mini.Addr(), "somebody"),
		"none":  "redis://" + mini.Addr(),
	} {
		t.Run(name, func(t *testing.T) {
			s := openRedisAt(t, location, nil)
			wantError(t, m, t.Context(), s, nil)
			_, err := s.Load(t.Context(), "app")
			if text := err.Error(); !strings.HasSuffix(text, "the server answered WRONGPASS") && !strings.HasSuffix(text, "the server answered NOAUTH") {
				t.Errorf("what is wrong cannot be seen: %q", text)
			}
		})
	}
}

func TestRedisForeignData(t *testing.T) {
	mini := startMini(t)
	s := openRedisAt(t, redisAt("redis", mini.Addr(), ""), nil)
	mini.DB(2).HSet(redisKey("number"), "v", "canary")
	if _, err := s.Load(t.Context(), "number"); !errors.Is(err, errForeign) {
		t.Error(err)
	}
	mustDo(t, mini.DB(2).Set(redisKey("type"), "canary"))
	_, err := s.Load(t.Context(), "type")
	if err == nil || !strings.Contains(err.Error(), "the server answered ") { // ERR or WRONGTYPE, by version
		t.Fatal(err)
	}
	wantClean(t, err, []string{"canary"})
}

// forwarder stands between a store and its server, as a NAT does.
type forwarder struct {
	net.Listener
	server atomic.Pointer[string]
	// dead has requests on the connections made so far answered by a reset; deaf
	// has requests go through and their answers not.
	dead, deaf atomic.Bool
	away       time.Duration // what an answer takes
	dials      atomic.Int32
	wg         sync.WaitGroup
}

func forward(t *testing.T, server string) *forwarder {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	mustDo(t, err)
	f := &forwarder{Listener: l}
	f.server.Store(&server)
	t.Cleanup(f.wg.Wait)
	t.Cleanup(func() { l.Close() })
	f.wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			f.dials.Add(1)
			f.dead.Store(false)
			f.wg.Go(func() { f.serve(client) })
		}
	})
	return f
}

func (f *forwarder) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", *f.server.Load())
	if err != nil {
		return
	}
	defer server.Close()
	f.wg.Go(func() {
		buf := make([]byte, 1<<16)
		for {
			n, err := server.Read(buf)
			if err != nil || f.deaf.Load() {
				client.Close()
				return
			}
			time.Sleep(f.away)
			_, _ = client.Write(buf[:n])
		}
	})
	buf := make([]byte, 1<<16)
	for {
		n, err := client.Read(buf)
		if err != nil || f.dead.Load() {
			return
		}
		_, _ = server.Write(buf[:n])
	}
}

// An instance that was frozen finds its connections dead, and nobody told it.
func TestRedisDeadConnection(t *testing.T) {
	f := forward(t, startMini(t).Addr())
	s := openRedisAt(t, redisAt("redis", f.Addr().String(), ""), nil)
	mustSwap(t, s, "app", 0, []byte("one"))
	f.dead.Store(true)
	if v := mustLoad(t, s, "app"); v.Version != 1 {
		t.Errorf("version %d", v.Version)
	}
	if n := f.dials.Load(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
	// A Swap is not repeated.
	one := at(t, s, "app", 1)
	f.dead.Store(true)
	if ok, err := s.Swap(t.Context(), "app", one, []byte("two")); ok || err == nil {
		t.Errorf("%v, %v", ok, err)
	}
	if v := mustLoad(t, s, "app"); v.Version != 1 {
		t.Errorf("version %d", v.Version)
	}
}

func TestRedisLostAnswer(t *testing.T) {
	mini := startMini(t)
	f := forward(t, mini.Addr())
	s := openRedisAt(t, redisAt("redis", f.Addr().String(), ""), nil)
	mustSwap(t, s, "app", 0, []byte("one"))
	one := at(t, s, "app", 1)
	f.deaf.Store(true)
	if ok, err := s.Swap(t.Context(), "app", one, []byte("two")); ok || !errors.Is(err, redact.ErrClosed) {
		t.Errorf("%v, %v", ok, err)
	}
	f.deaf.Store(false)
	if v := mustLoad(t, s, "app"); v.Version != 2 || string(v.Data) != "two" {
		t.Errorf("got %+v: stored once, whatever the caller knows of it", v)
	}
}

// A server that accepts and never answers.
func TestRedisHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	mustDo(t, err)
	defer l.Close()
	s := openRedisAt(t, redisAt("redis", l.Addr().String(), ""), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	wantError(t, medium{}, ctx, s, nil)
	if took := time.Since(start); took > redisTimeout {
		t.Errorf("took %v", took)
	}
}

// Versions of more than 53 bits are compared exactly.
func TestRedisLargeVersions(t *testing.T) {
	mini := startMini(t)
	s := openRedisAt(t, redisAt("redis", mini.Addr(), ""), nil)
	mini.DB(2).HSet(redisKey("app"), "v", "9007199254740993", "d", "x")
	for version, want := range map[uint64]bool{9007199254740992: false, 9007199254740993: true} {
		if ok, err := s.Swap(t.Context(), "app", version, []byte("y")); ok != want || err != nil {
			t.Errorf("swap of version %d: %v, %v", version, ok, err)
		}
	}
	if v, err := s.Load(t.Context(), "app"); err != nil || v.Version != 9007199254740994 {
		t.Errorf("version %d, %v", v.Version, err)
	}
}

// Nothing is printed of what is not returned, such as of a server that says more than asked.
func TestRedisIsSilent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	mustDo(t, err)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer l.Close()
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				buf := make([]byte, 1<<12)
				for {
					if _, err := conn.Read(buf); err != nil {
						return
					}
					_, _ = io.WriteString(conn, "-ERR canary\r\n-ERR canary\r\n")
				}
			})
		}
	})
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), workerVariable+"=redis://"+l.Addr().String())
	var out strings.Builder
	cmd.Stderr = &out
	if err := cmd.Run(); err == nil {
		t.Error("no error")
	}
	if out.Len() > 0 {
		t.Errorf("it says: %s", &out)
	}
}

func BenchmarkMiniredis(b *testing.B) {
	mini := startMini(b)
	benchmark(b, medium{open: func(b testing.TB) ticket.Store {
		return openRedisAt(b, redisAt("redis", mini.Addr(), ""), nil)
	}})
}

func BenchmarkRedisServer(b *testing.B) {
	s := startServer(b, "--port", "--requirepass", password)
	benchmark(b, s.medium(redisAt("redis", s.address, ""), nil))
}
