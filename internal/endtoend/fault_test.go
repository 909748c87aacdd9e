package endtoend

import (
	"bytes"
	"flag"
	"fmt"
	goruntime "runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// outcome is what a caller is answered.
type outcome struct {
	status int
	code   string // of our own; "" where the body is the upstream's
}

var (
	served      = outcome{200, ""}
	relayed502  = outcome{502, ""}
	badResponse = outcome{502, "FailedOperation.UpstreamBadResponse"}
	unreachable = outcome{502, "FailedOperation.UpstreamUnreachable"}
	timedOut    = outcome{504, "FailedOperation.UpstreamTimeout"}
	tooLarge    = outcome{502, "FailedOperation.ResponseTooLarge"}
	credential  = outcome{502, "FailedOperation.Credential"}
)

// fault is a way in which the upstream misbehaves, and what the contract makes of it where
// the access token, the SIGN ticket or the result is asked for.
type fault struct {
	name                string
	answer              sabotage // of one call
	line                bool     // the connection of one call is spoilt: see line
	token, ticket, take outcome
}

func faulty(name string, answer sabotage, token, ticket, result outcome) fault {
	return fault{name, answer, false, token, ticket, result}
}

// everywhere is a fault with the same outcome for all calls.
func everywhere(name string, answer sabotage, o outcome) fault {
	return faulty(name, answer, o, o, o)
}

// faults is section 3 of the contract, from the upstream's side.
var faults = []fault{
	{"connection refused", nil, true, unreachable, unreachable, unreachable},
	{"wrong name in the certificate", nil, true, unreachable, unreachable, unreachable},
	{"expired certificate", nil, true, unreachable, unreachable, unreachable},
	{"certificate of an unknown authority", nil, true, unreachable, unreachable, unreachable},
	everywhere("reset before the answer", resetAtOnce, unreachable),
	everywhere("closed before the answer", closeAtOnce, unreachable),
	everywhere("no HTTP", noHTTP, unreachable),
	everywhere("headers of 1 MB", hugeHeaders, unreachable),
	everywhere("reset amid the body", resetAmid, badResponse),
	everywhere("truncated body", truncate, badResponse),
	everywhere("slow headers", slowHeaders, timedOut),
	everywhere("slow body", slowBody, timedOut),
	everywhere("empty 200", says200(""), badResponse),
	everywhere("HTML", says200("<html><body>stray-canary</body></html>"), badResponse),
	everywhere("500 with HTML", status500("<html>stray-canary</html>"), badResponse),
	faulty("500 with JSON", status500(`{"code":"0","msg":"stray-canary"}`), credential, credential, relayed502),
	everywhere("redirect", redirectAway, badResponse),
	everywhere("gzip bomb", gzipBomb, badResponse),
	faulty("body of 100 MB", hundredMegabytes, badResponse, badResponse, tooLarge),
	faulty("endless body", endless, badResponse, badResponse, tooLarge),
	everywhere("bad JSON", says200(`{"code":"0","msg":"stray-canary",}`), badResponse),
	everywhere("deeply nested JSON", says200(`{"code":"0","x":`+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)+"}"), badResponse),
	everywhere("bytes that are not UTF-8", says200("{\"code\":\"0\",\"msg\":\"\xff\xfe\"}"), badResponse),
	everywhere("duplicate keys, of which the last counts", duplicateKeys, served),
	everywhere("wrong types", says200(`{"code":{"0":0},"access_token":{"x":1},"tickets":"stray-canary","result":[]}`), badResponse),
	faulty("wrong types of all but the code", says200(`{"code":0,"access_token":{"x":1},"tickets":"stray-canary","result":[]}`), badResponse, badResponse, served),
	faulty("unknown code", says200(`{"code":"77777777","msg":"stray-canary"}`), credential, credential, served),
	faulty("a code that is no number", says200(`{"code":"stray-canary"}`), credential, credential, served),
}

// matrix gathers what came out.
type matrix struct {
	mu    sync.Mutex
	cells map[string]outcome
	times map[string]time.Duration
}

// faultTransports are the two kinds of function.
var faultTransports = []transport{webTransport, transports[2]}

// calls are asked for an app each, whose pair is still to be had.
var calls = []struct{ name, app string }{{"token", firstApp}, {"ticket", secondApp}, {"query", thirdApp}}

// TestFaultMatrix has the upstream misbehave in every way, in every call, through both
// transports: the answer is the contract's, it comes in time, and once the upstream
// behaves it serves again.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	bomb() // takes longer to make than a call may take
	m := &matrix{cells: map[string]outcome{}, times: map[string]time.Duration{}}
	t.Run("cells", func(t *testing.T) {
		for _, f := range faults {
			for _, over := range faultTransports {
				t.Run(f.name+", "+over.name, func(t *testing.T) {
					t.Parallel()
					f.run(t, over, m)
				})
			}
		}
	})
	m.log(t)
}

// inTime is the longest that a cell may take: three attempts of a second at most, two
// pauses, and what a busy machine adds.
const inTime = 6 * time.Second

func (f *fault) run(t *testing.T, over transport, m *matrix) {
	b := &breaker{fault: f, line: newLine(t, f)}
	env := map[string]string{"KYC_TIMEOUT": "1s", "TICKET_OVERLAP": "12s"} // after a failed renewal: a pause of 200 ms
	if b.line.authority != "" {
		env["SSL_CERT_FILE"] = b.line.authority
	}
	w := open(t, over, setting{env: env, before: b.before, serve: b.line.serve})
	process := w.process().Pid
	for i, call := range calls {
		want := []outcome{f.token, f.ticket, f.take}[i]
		order := fmt.Sprintf("/ocr/bankcard/fault%d?app_id=%s", i, call.app)
		b.arm(call.name)
		begin := time.Now()
		a := w.get(order)
		took := time.Since(begin)
		hits := b.disarm()

		got := outcome{status: a.status}
		if want.code != "" {
			got.code = want.code
			a.checkError(t, want.code)
		} else {
			a.checkRelayed(t, w)
		}
		a.checkHeaders(t)
		if got != want {
			t.Errorf("%s: status %d, want %d: %.200s", call.name, a.status, want.status, a.body)
		}
		if took > inTime {
			t.Errorf("%s: after %v", call.name, took)
		}
		if hits == 0 {
			t.Errorf("%s: the fault did not take place", call.name)
		}
		m.put(f, call.name, over, got, took)
		w.expectServed(t, order, call.name == "query" || want == served)
	}
	if f.name == "redirect" && b.followed.Load() != 0 {
		t.Error("the redirect was followed")
	}
	if w.process().Pid != process {
		t.Error("the process was started anew")
	}
	if goruntime.GOOS == "linux" {
		if most := peak(t, w.process()); most > mostMemory {
			t.Errorf("peak of %d MB", most>>20)
		}
	}
}

// expectServed looks for an answer now that the upstream behaves: with the next request
// or, where a renewal failed, as soon as another is allowed.
func (w *world) expectServed(t *testing.T, target string, atOnce bool) {
	t.Helper()
	for begin := time.Now(); ; wait(t.Context(), 20*time.Millisecond) {
		a := w.get(target)
		if a.status == 200 {
			a.checkRelayed(t, w)
			return
		}
		if atOnce || time.Since(begin) > inTime {
			t.Errorf("not served after the fault: %d %s", a.status, a.body)
			return
		}
	}
}

func (m *matrix) put(f *fault, call string, over transport, o outcome, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := f.name + call + over.name
	m.cells[key], m.times[key] = o, took
}

// log prints the matrix, for a reader to hold against the contract.
func (m *matrix) log(t *testing.T) {
	var text bytes.Buffer
	line := func(first string, cell func(call string, over transport) string) {
		fmt.Fprintf(&text, "\n%-42s", first)
		for _, call := range calls {
			for _, over := range faultTransports {
				fmt.Fprintf(&text, " %-9s", cell(call.name, over))
			}
		}
	}
	line("", func(call string, over transport) string { return call })
	line("fault", func(_ string, over transport) string { return strings.Fields(over.name)[0] })
	var longest time.Duration
	for _, f := range faults {
		codes := ""
		line(f.name, func(call string, over transport) string {
			key := f.name + call + over.name
			o, ok := m.cells[key]
			if !ok {
				return "-"
			}
			longest = max(longest, m.times[key])
			if code := strings.TrimPrefix(o.code, "FailedOperation."); code != "" && !strings.Contains(codes, code) {
				codes += " " + code
			}
			return fmt.Sprint(o.status)
		})
		text.WriteString(codes)
	}
	t.Logf("%d faults, %d cells, the longest took %v\n%s", len(faults), len(m.cells), longest.Round(time.Millisecond), text.String())
	picked := strings.Contains(flag.Lookup("test.run").Value.String(), "/")
	if want := len(faults) * len(calls) * len(faultTransports); len(m.cells) != want && goruntime.GOOS == "linux" && !picked {
		t.Errorf("%d cells, want %d", len(m.cells), want)
	}
}
