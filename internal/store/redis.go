package store

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"

	"kyc-ocr-relay/internal/redact"
	"kyc-ocr-relay/internal/roots"
	"kyc-ocr-relay/internal/ticket"
)

const (
	// redisTimeout bounds a dial and an answer: half of the 2 s that a renewal gives
	// to a Load, so that one on a dead connection can be repeated.
	redisTimeout = time.Second
	// redisLife is after what time an abandoned key goes away. A key in use is
	// written with each renewal, thrice an hour.
	redisLife = 24 * time.Hour
)

// The versions are compared as text: numbers in Lua are exact up to 2^53 only. The
// script that reads the time does not write, and uses no command newer than
// Redis 3, so that old servers and proxies take it.
const (
	redisLoad = `
local value = redis.call('HMGET', KEYS[1], 'v', 'd')
local now = redis.call('TIME')
return {value[1], value[2], now[1], now[2]}`

	redisBegin = `
redis.call('HSETNX', KEYS[1], 'v', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('HMGET', KEYS[1], 'v', 'd')`

	redisSwap = `
if redis.call('HGET', KEYS[1], 'v') ~= ARGV[1] then return 0 end
redis.call('HMSET', KEYS[1], 'v', ARGV[2], 'd', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1`
)

// redisStore keeps each app in one hash, with the fields v (version) and d (data).
//
// A Swap is atomic on one server. One that restarts without persistence begins at other
// versions. Where a replica takes over that lacks the last writes, versions repeat; pairs
// carry an order of their own for that.
type redisStore struct {
	pool *redis.Pool
	// epoch grows where a server turns out not to be the one to write to. Connections of
	// earlier epochs are not used again: they lead to it, and the name perhaps elsewhere now.
	epoch atomic.Uint64
}

// redisConn is a connection that is broken, for the pool, once its epoch is over.
type redisConn struct {
	redis.ConnWithContext
	store *redisStore
	epoch uint64
}

func (c *redisConn) Err() error {
	if c.epoch != c.store.epoch.Load() {
		return redact.ErrClosed
	}
	return c.ConnWithContext.Err()
}

// openRedis returns a store at u.
func openRedis(u *url.URL) (ticket.Store, error) {
	database := 0
	if path := strings.Trim(u.Path, "/"); path != "" {
		n, err := strconv.ParseUint(path, 10, 16)
		if err != nil {
			return nil, errors.New("store: redis: the URL's path must be a database number")
		}
		database = int(n)
	}
	if u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		// A parameter might switch off what is relied on, such as the certificate check.
		return nil, errors.New("store: redis: the URL must be redis://user:password@host:port/database, without parameters")
	}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	password, _ := u.User.Password()
	options := []redis.DialOption{
		redis.DialUsername(u.User.Username()),
		redis.DialPassword(password),
		redis.DialDatabase(database),
		redis.DialConnectTimeout(redisTimeout),
		redis.DialReadTimeout(redisTimeout),
		redis.DialWriteTimeout(redisTimeout),
		redis.DialTLSHandshakeTimeout(redisTimeout),
		redis.DialUseTLS(u.Scheme == "rediss"),
		redis.DialTLSConfig(roots.Config(u.Hostname())),
	}
	address := net.JoinHostPort(u.Hostname(), port)
	s := &redisStore{}
	s.pool = &redis.Pool{
		DialContext: func(ctx context.Context) (redis.Conn, error) {
			epoch := s.epoch.Load()
			conn, err := redis.DialContext(ctx, "tcp", address, options...)
			if err != nil {
				return nil, err
			}
			return &redisConn{conn.(redis.ConnWithContext), s, epoch}, nil
		},
		TestOnBorrow: func(c redis.Conn, _ time.Time) error { return c.Err() },
		MaxIdle:      connections,
		MaxActive:    connections,
		IdleTimeout:  idleLife,
		Wait:         true,
	}
	return s, nil
}

// Load implements ticket.Store. It is repeated once on a connection that turned out to
// be dead.
func (s *redisStore) Load(ctx context.Context, app string) (ticket.Value, error) {
	v, err := s.load(ctx, app)
	if broken(ctx, err) {
		v, err = s.load(ctx, app)
	}
	return v, fail("redis: load", err)
}

func (s *redisStore) load(ctx context.Context, app string) (ticket.Value, error) {
	answer, err := redis.Values(s.run(ctx, redisLoad, app))
	if err != nil {
		return ticket.Value{}, err
	}
	if len(answer) != 4 {
		return ticket.Value{}, errForeign
	}
	seconds, err1 := redis.Int64(answer[2], nil)
	micros, err2 := redis.Int64(answer[3], nil)
	if err1 != nil || err2 != nil {
		return ticket.Value{}, errForeign
	}
	v := ticket.Value{Now: time.Unix(seconds, micros*1000)}
	if answer[0] == nil {
		origin := strconv.FormatUint(begin(v.Now), 10)
		answer, err = redis.Values(s.run(ctx, redisBegin, app, origin, redisLife.Milliseconds()))
		if err != nil || len(answer) != 2 {
			return ticket.Value{}, cmp.Or(err, errForeign)
		}
	}
	if v.Version, err = redis.Uint64(answer[0], nil); err != nil {
		return ticket.Value{}, errForeign
	}
	if v.Data, err = redis.Bytes(answer[1], nil); err != nil && !errors.Is(err, redis.ErrNil) {
		return ticket.Value{}, errForeign
	}
	return v, nil
}

// Swap implements ticket.Store. It is repeated only where it had no effect for certain.
func (s *redisStore) Swap(ctx context.Context, app string, version uint64, data []byte) (bool, error) {
	ok, err := redis.Bool(s.run(ctx, redisSwap, app,
		strconv.FormatUint(version, 10), strconv.FormatUint(version+1, 10), data, redisLife.Milliseconds()))
	return ok, fail("redis: swap", err)
}

// run runs a script on the app's key. Where the server says that it is not the one to ask, as
// a master does that was demoted, nothing was written, and the script runs once more on a new
// connection: the name may lead to the new master already.
func (s *redisStore) run(ctx context.Context, text, app string, args ...any) (any, error) {
	script := redis.NewScript(1, text)
	args = append([]any{redisKey(app)}, args...)
	answer, err := s.do(ctx, script, args)
	if isElsewhere(err) {
		answer, err = s.do(ctx, script, args)
	}
	return answer, err
}

func (s *redisStore) do(ctx context.Context, script *redis.Script, args []any) (any, error) {
	conn, err := s.pool.GetContext(ctx)
	if err != nil {
		return nil, &dialError{err}
	}
	defer conn.Close()
	epoch := s.epoch.Load()
	answer, err := script.DoContext(ctx, conn, args...)
	if isElsewhere(err) {
		s.epoch.CompareAndSwap(epoch, epoch+1) // else another call has seen it too
	}
	return answer, err
}

// isElsewhere reports whether err is the answer of a server that does not take the call, and
// that another one may stand in for. Each is given before a script has written anything.
func isElsewhere(err error) bool {
	var (
		answer redis.Error
		dial   *dialError
	)
	if !errors.As(err, &answer) || errors.As(err, &dial) {
		return false
	}
	switch code(answer) {
	case "READONLY", "NOREPLICAS", "MASTERDOWN", "LOADING", "CLUSTERDOWN", "TRYAGAIN", "MOVED":
		return true
	}
	return false
}

// code returns the code of an answer: its first word. Before Redis 7 that of a script says
// ERR, and the command's code follows within: "... @user_script: 3: -READONLY You can't ...".
func code(answer redis.Error) string {
	first, rest, _ := strings.Cut(answer.Error(), " ")
	if first == "ERR" {
		for field := range strings.FieldsSeq(rest) {
			if inner, ok := strings.CutPrefix(field, "-"); ok && len(inner) > 1 && strings.ToUpper(inner) == inner {
				return inner
			}
		}
	}
	return first
}

// Close implements io.Closer.
func (s *redisStore) Close() error { return s.pool.Close() }

// redisKey has the app as its hash tag, for a cluster.
func redisKey(app string) string { return "kyc-ocr-relay:{" + app + "}" }

// dialError is that of a connection which could not be made.
type dialError struct{ error }

func (e *dialError) Unwrap() error { return e.error }

// broken reports whether err is that of a connection which was established once,
// with some time left to try another.
func broken(ctx context.Context, err error) bool {
	var (
		answer redis.Error
		dial   *dialError
	)
	return err != nil && ctx.Err() == nil && !errors.Is(err, errForeign) && !errors.As(err, &answer) && !errors.As(err, &dial)
}
