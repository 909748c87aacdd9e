package store

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"kyc-ocr-relay/internal/redact"
)

// An instance that was frozen finds its connections dead, without a sign of it.
func TestRedisDeadConnection(t *testing.T) {
	f := forward(t, startMini(t).Addr())
	s := openRedisAt(t, redisAt("redis", f.Addr().String(), ""))
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
	s := openRedisAt(t, redisAt("redis", f.Addr().String(), ""))
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
	s := openRedisAt(t, redisAt("redis", l.Addr().String(), ""))
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
	s := openRedisAt(t, redisAt("redis", mini.Addr(), ""))
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
