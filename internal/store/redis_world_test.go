package store

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
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

	"kyc-ocr-relay/internal/ticket"
)

const password = "canary-Pa55/w:rd"

func redisAt(scheme, address, user string) string {
	return (&url.URL{Scheme: scheme, User: url.UserPassword(user, password), Host: address, Path: "/2"}).String()
}

func openRedisAt(t testing.TB, location string) ticket.Store {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	s, err := openRedis(u)
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

func (s *server) medium(location string) medium {
	return medium{
		open:      func(t testing.TB) ticket.Store { return openRedisAt(t, location) },
		now:       func() time.Time { return time.Now().Round(0) },
		precision: 10 * time.Millisecond,
		down:      func(*testing.T) { s.stop() },
		up:        func(t *testing.T) { s.start(t) },
		lose:      func(t *testing.T) { s.stop(); s.start(t) },
		canaries:  []string{"canary", s.address},
	}
}

// refuse returns a function that sets the server to take no writes, and returns the one that undoes it.
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

// authority makes a certificate for 127.0.0.1 that has signed itself.
func authority(t *testing.T) (certificate, key string) {
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
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", encoded)
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
