package endtoend

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/handler"
	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/pipetest"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

// A day is virtual, and takes seconds.
const (
	dayServers   = 10                    // of each kind, and instances of the relay
	dayPause     = 3 * time.Minute       // between the queries of a server, on average
	dayRoundTrip = 80 * time.Millisecond // of a call to the vendor, at most
	phpToken     = "php-token-2b6c90e7f4a1"
)

// crew is servers of one kind.
type crew struct {
	name    string
	query   []func(order string) bool
	most    float64 // of its queries that may fail, in percent
	least   float64 // likewise: less is not to be expected, and the docs say so
	asked   atomic.Int64
	failing atomic.Int64
}

// day is the vendor in virtual time, and who asks it.
type day struct {
	t         *testing.T
	sim       *simulator.Simulator
	instances []*handler.Handler
	log       pipetest.Log
	crews     []*crew
}

func newDay(t *testing.T) *day {
	d := &day{t: t, sim: simulator.New(simulator.Config{Apps: secrets})}
	d.sim.Intercept(func(http.ResponseWriter, *http.Request, simulator.Call) bool {
		time.Sleep(rand.N(dayRoundTrip)) // so that calls meet
		return false
	})
	return d
}

// relays starts the instances of the function, which share a store.
func (d *day) relays(refresh time.Duration) {
	settings, err := config.Parse(map[string]string{ // the vendor's own base URL: all bounds on times count
		"KYC_APP_ID": firstApp, "KYC_SECRET": secrets[firstApp], "TICKET_REFRESH": refresh.String(),
		"CALLER_TOKENS": "alice:" + aliceToken + ",php:" + phpToken, "CALLER_SCOPES": "php:ticket+ocr",
	})
	if err != nil {
		d.t.Fatal(err)
	}
	log, store := slog.New(slog.NewJSONHandler(&d.log, &slog.HandlerOptions{Level: slog.LevelWarn})), &ticket.Memory{}
	for range dayServers {
		d.instances = append(d.instances, handler.New(relay.NewCurrent(func(context.Context) (*relay.Relay, error) {
			return relay.Open(settings, relay.Options{Log: log, Memory: store, Upstream: func(c *upstream.Config) { c.Transport = direct{d.sim} }})
		}, log), log))
	}
}

// direct is the vendor without a network.
type direct struct{ http.Handler }

func (to direct) RoundTrip(r *http.Request) (*http.Response, error) {
	received := r.Clone(r.Context())
	received.TransferEncoding = nil // it is for net/http alone, which does not send it
	w := httptest.NewRecorder()
	to.ServeHTTP(w, received)
	return w.Result(), nil
}

// vendor and any are where a server may send a GET.
func (d *day) vendor(target string) []byte { return asked(d.sim, target, nil) }
func (d *day) any(target string) []byte    { return asked(d.instance(), target, nil) }

func (d *day) instance() *handler.Handler { return d.instances[rand.N(len(d.instances))] }

func asked(of http.Handler, target string, header http.Header) []byte {
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, target, nil)
	r.Header = header
	of.ServeHTTP(w, r)
	return w.Body.Bytes()
}

// servers adds stand-ins that fetch token and tickets at one place and ask at another.
func (d *day) servers(name string, k keeps, secret string, credentials, results func(string) []byte, least, most float64) {
	c := &crew{name: name, least: least, most: most}
	for range dayServers {
		c.query = append(c.query, (&standIn{secret: secret, credentials: credentials, results: results, keeps: k}).query)
	}
	d.crews = append(d.crews, c)
}

// live lets all of them ask for 24 hours, and tells what became of it.
func (d *day) live(title string) {
	start := time.Now()
	var servers sync.WaitGroup
	for _, c := range d.crews {
		for _, query := range c.query {
			servers.Go(func() {
				for n := 0; time.Since(start) < 24*time.Hour; n++ {
					time.Sleep(time.Duration(rand.ExpFloat64() * float64(dayPause)))
					c.asked.Add(1)
					if !query("order" + fmt.Sprint(n)) {
						c.failing.Add(1)
					}
				}
			})
		}
	}
	servers.Wait()
	var table strings.Builder
	for _, c := range d.crews {
		share := 100 * float64(c.failing.Load()) / float64(c.asked.Load())
		fmt.Fprintf(&table, "\n  %-62s %5d of %5d failed, %5.1f %%", c.name, c.failing.Load(), c.asked.Load(), share)
		if share < c.least || share > c.most {
			d.t.Errorf("%s: %s: %.2f %% failed, expected %v to %v", title, c.name, share, c.least, c.most)
		}
	}
	d.t.Logf("%s: %.2f mints an hour%s", title, float64(len(d.sim.Mints(firstApp)))/24, &table)
}

// Percent of queries that fail.
const hopeless, none = 50, 0

// What servers do to each other that sign by themselves, each with a pair of its own.
func TestDayOfServersOnTheirOwn(t *testing.T) {
	t.Parallel()
	kinds := []struct {
		name  string
		keeps keeps
		least float64 // that fail where there is no other kind
	}{
		{"heeds expire_in", heeds, hopeless},
		{"20 minutes by its own clock", fixedClock(20 * time.Minute), hopeless},
		{"asks at every call", asksAtEveryCall, none},
	}
	for _, k := range kinds {
		synctest.Test(t, func(t *testing.T) {
			d := newDay(t)
			d.servers(k.name, k.keeps, secrets[firstApp], d.vendor, d.vendor, k.least, 100)
			d.live("10 servers of a kind, each on its own")
		})
	}
	synctest.Test(t, func(t *testing.T) {
		d := newDay(t)
		for _, k := range kinds {
			d.servers(k.name, k.keeps, secrets[firstApp], d.vendor, d.vendor, k.least, 100)
		}
		d.live("30 servers, each on its own")
	})
}

// The same servers with the relay's base URL and a token of the relay's in place of the secret: for
// token and tickets alone, or for everything.
func TestDayOfServersThroughTheRelay(t *testing.T) {
	t.Parallel()
	for _, refresh := range []time.Duration{20 * time.Minute, 40 * time.Minute} { // the usual one, and the longest
		t.Run(refresh.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { dayThroughTheRelay(t, refresh) })
		})
	}
}

func dayThroughTheRelay(t *testing.T, refresh time.Duration) {
	d := newDay(t)
	d.relays(refresh)
	d.servers("heeds expire_in, straight", heeds, phpToken, d.any, d.vendor, none, none)
	d.servers("heeds expire_in, drop-in", heeds, phpToken, d.any, d.any, none, none)
	d.servers("asks at every call, straight", asksAtEveryCall, phpToken, d.any, d.vendor, none, none)
	d.servers("20 minutes by its own clock, straight", fixedClock(20*time.Minute), phpToken, d.any, d.vendor, 5, hopeless)
	d.servers("20 minutes by its own clock, drop-in", fixedClock(20*time.Minute), phpToken, d.any, d.any, none, none)
	d.servers("60 minutes by its own clock, straight", fixedClock(time.Hour), phpToken, d.any, d.vendor, 20, 100)
	d.servers("60 minutes by its own clock, drop-in", fixedClock(time.Hour), phpToken, d.any, d.any, 1, hopeless)
	own := &crew{name: "the relay's own callers"}
	for range dayServers {
		own.query = append(own.query, func(order string) bool {
			body := asked(d.instance(), "/ocr/bankcard/"+order, http.Header{"Authorization": {"Bearer " + aliceToken}})
			return strings.HasPrefix(string(body), `{"code":"0"`)
		})
	}
	d.crews = append(d.crews, own)
	d.live(fmt.Sprintf("through the relay, TICKET_REFRESH=%v", refresh))
	if n, want := len(d.sim.Mints(firstApp)), int(24*time.Hour/refresh); n < want-1 || n > want+1 {
		t.Errorf("%d mints, expected %d", n, want)
	}
	if broken := d.sim.Violations(); len(broken) > 0 {
		t.Errorf("the upstream's rules: %q", broken)
	}
	if told := d.log.String(); strings.Contains(told, "voided") {
		t.Errorf("log %s", told)
	}
}
