package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

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
var (
	redisLoad = redis.NewScript(`
local value = redis.call('HMGET', KEYS[1], 'v', 'd')
local now = redis.call('TIME')
return {value[1], value[2], now[1], now[2]}`)

	redisSwap = redis.NewScript(`
if (redis.call('HGET', KEYS[1], 'v') or '0') ~= ARGV[1] then return 0 end
redis.call('HMSET', KEYS[1], 'v', ARGV[2], 'd', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1`)
)

// redisStore keeps each app in one hash, with the fields v (version) and d (data).
//
// A Swap is atomic on one server. Where a replica that lags takes over, or a server
// without persistence restarts, versions start anew; pairs carry an order of their
// own for that.
type redisStore struct{ client *redis.Client }

// openRedis returns a store at u. roots are the authorities for rediss, nil the
// system's.
func openRedis(u *url.URL, roots *x509.CertPool) (ticket.Store, error) {
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
	var secure *tls.Config
	if u.Scheme == "rediss" {
		secure = &tls.Config{ServerName: u.Hostname(), RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	password, _ := u.User.Password()

	// go-redis logs through one logger a process, to stderr, with addresses and
	// errors. Nothing else here uses it, and what matters is returned.
	redis.SetLogger(silent{})
	return &redisStore{redis.NewClient(&redis.Options{
		Addr:                  net.JoinHostPort(u.Hostname(), port),
		Username:              u.User.Username(),
		Password:              password,
		DB:                    database,
		Dialer:                dialer(secure),
		Protocol:              2,  // what every server and proxy speaks; nothing is pushed
		MaxRetries:            -1, // a Swap must not be repeated
		DialTimeout:           redisTimeout,
		DialerRetries:         1,
		ReadTimeout:           redisTimeout,
		WriteTimeout:          redisTimeout,
		ContextTimeoutEnabled: true,
		PoolSize:              connections,
		PipelinePoolSize:      -1, // none
		PoolTimeout:           2 * redisTimeout,
		ConnMaxIdleTime:       idleLife,
		ReadBufferSize:        4096, // a record has about 1 KB; the default is 32 KB
		WriteBufferSize:       4096,
		DisableIdentity:       true,
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled,
		},
	})}, nil
}

// Load implements ticket.Store. It is repeated once on a connection that turned out to
// be dead.
func (s *redisStore) Load(ctx context.Context, app string) (ticket.Value, error) {
	v, err := within(ctx, func() (ticket.Value, error) {
		v, err := s.load(ctx, app)
		if broken(ctx, err) {
			v, err = s.load(ctx, app)
		}
		return v, err
	})
	return v, fail("redis: load", err)
}

func (s *redisStore) load(ctx context.Context, app string) (ticket.Value, error) {
	answer, err := redisLoad.Run(ctx, s.client, []string{redisKey(app)}).Slice()
	if err != nil {
		return ticket.Value{}, err
	}
	if len(answer) != 4 {
		return ticket.Value{}, errForeign
	}
	seconds, err1 := strconv.ParseInt(text(answer[2]), 10, 64)
	micros, err2 := strconv.ParseInt(text(answer[3]), 10, 64)
	v := ticket.Value{Now: time.Unix(seconds, micros*1000)}
	if answer[0] == nil && err1 == nil && err2 == nil {
		return v, nil
	}
	version, err3 := strconv.ParseUint(text(answer[0]), 10, 64)
	if err1 != nil || err2 != nil || err3 != nil {
		return ticket.Value{}, errForeign
	}
	v.Version, v.Data = version, []byte(text(answer[1]))
	return v, nil
}

// Swap implements ticket.Store. It is never repeated.
func (s *redisStore) Swap(ctx context.Context, app string, version uint64, data []byte) (bool, error) {
	ok, err := within(ctx, func() (bool, error) {
		stored, err := redisSwap.Run(ctx, s.client, []string{redisKey(app)},
			strconv.FormatUint(version, 10), strconv.FormatUint(version+1, 10), data, redisLife.Milliseconds()).Int()
		return stored == 1, err
	})
	return ok, fail("redis: swap", err)
}

// Close implements io.Closer.
func (s *redisStore) Close() error { return s.client.Close() }

// redisKey has the app as its hash tag, for a cluster.
func redisKey(app string) string { return "kyc-ocr-relay:{" + app + "}" }

func text(v any) string {
	s, _ := v.(string)
	return s
}

// broken reports whether err is that of a connection, not an answer, with some time
// left to try another one.
func broken(ctx context.Context, err error) bool {
	var answer redis.Error
	return err != nil && ctx.Err() == nil && !errors.Is(err, errForeign) && !errors.Is(err, redis.ErrClosed) &&
		!errors.Is(err, redis.ErrPoolTimeout) && !errors.As(err, &answer)
}

// dialer returns what go-redis dials with. A failed dial is handed out as a
// connection that fails: after some failed ones the pool would answer from memory and
// keep a goroutine dialling every second, for as long as the server is away.
func dialer(secure *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		var (
			conn net.Conn
			err  error
		)
		if secure == nil {
			conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
		} else {
			conn, err = (&tls.Dialer{Config: secure}).DialContext(ctx, network, address)
		}
		if err != nil {
			// go-redis strips one layer off the errors of a handshake.
			return &failedConn{fmt.Errorf("dial: %w", err)}, nil
		}
		return conn, nil
	}
}

// failedConn is the connection that could not be made.
type failedConn struct{ err error }

func (c *failedConn) Read([]byte) (int, error)         { return 0, c.err }
func (c *failedConn) Write([]byte) (int, error)        { return 0, c.err }
func (c *failedConn) Close() error                     { return nil }
func (c *failedConn) SetDeadline(time.Time) error      { return nil }
func (c *failedConn) SetReadDeadline(time.Time) error  { return nil }
func (c *failedConn) SetWriteDeadline(time.Time) error { return nil }
func (c *failedConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *failedConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}
