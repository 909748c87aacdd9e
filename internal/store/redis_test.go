package store

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"kyc-ocr-relay/internal/redact"
	"kyc-ocr-relay/internal/ticket"
)

func TestMiniredis(t *testing.T) {
	mini := startMini(t)
	now := time.Now().Add(5 * time.Minute).Truncate(time.Microsecond)
	mini.SetTime(now)
	location := redisAt("redis", mini.Addr(), "")
	conform(t, medium{
		open:       func(t testing.TB) ticket.Store { return openRedisAt(t, location) },
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

func TestRedisServer(t *testing.T) {
	s := startServer(t, "--port", "--requirepass", password)
	m := s.medium(redisAt("redis", s.address, ""))
	m.refusals = map[string]func(*testing.T) func(){
		"too few replicas": s.refuse([]any{"CONFIG", "SET", "min-slaves-to-write", 1}, []any{"CONFIG", "SET", "min-slaves-to-write", 0}),
		"no memory":        s.refuse([]any{"CONFIG", "SET", "maxmemory", 1}, []any{"CONFIG", "SET", "maxmemory", 0}),
		"replica":          s.refuse([]any{"SLAVEOF", "127.0.0.1", "1"}, []any{"SLAVEOF", "NO", "ONE"}),
	}
	conform(t, m)
}

// A name that leads to a new master is followed at once: the connections to the old one, which
// reads as before, are given up upon its first refusal, and that call is not even lost.
func TestRedisFollowsTheMaster(t *testing.T) {
	old, promoted := startServer(t, "--port", "--requirepass", password), startServer(t, "--port", "--requirepass", password)
	f := forward(t, old.address)
	s := openRedisAt(t, redisAt("redis", f.Addr().String(), ""))
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
	direct := openRedisAt(t, redisAt("redis", promoted.address, ""))
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
	certificate, key := authority(t)
	s := startServer(t, "--tls-port", "--port", "0", "--tls-auth-clients", "no", "--tls-cert-file", certificate,
		"--tls-key-file", key, "--tls-ca-cert-file", certificate, "--user", "kyc", "on", ">"+password, "~kyc-ocr-relay:*", "+@all")
	location := redisAt("rediss", s.address, "kyc")
	_, err := x509.SystemCertPool() // read once, and not with this root
	mustDo(t, err)
	t.Run("known authority", func(t *testing.T) {
		t.Setenv("SSL_CERT_FILE", certificate)
		conform(t, s.medium(location))
	})

	t.Run("unknown authority", func(t *testing.T) {
		_, err := openRedisAt(t, location).Load(t.Context(), "app")
		if !errors.Is(err, redact.ErrCertificate) {
			t.Error(err)
		}
	})
	t.Run("without TLS", func(t *testing.T) {
		m := s.medium(redisAt("redis", s.address, "kyc"))
		wantError(t, m, t.Context(), m.open(t), nil)
	})
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
			s := openRedisAt(t, location)
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
	s := openRedisAt(t, redisAt("redis", mini.Addr(), ""))
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

func BenchmarkMiniredis(b *testing.B) {
	mini := startMini(b)
	benchmark(b, medium{open: func(b testing.TB) ticket.Store {
		return openRedisAt(b, redisAt("redis", mini.Addr(), ""))
	}})
}

func BenchmarkRedisServer(b *testing.B) {
	s := startServer(b, "--port", "--requirepass", password)
	benchmark(b, s.medium(redisAt("redis", s.address, "")))
}
