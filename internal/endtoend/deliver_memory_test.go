package endtoend

import (
	"fmt"
	"net/http"
	"os"
	goruntime "runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/simulator"
)

// mostMemory is what the function may take of an instance of 128 MB: the runtime of the
// platform needs some of it.
const mostMemory = 110 << 20

// TestDeliverFitsTheInstance measures the peak memory of deliveries of 40 MB, several in
// a batch, with a length announced and without.
func TestDeliverFitsTheInstance(t *testing.T) {
	if goruntime.GOOS != "linux" {
		t.Skip("reads the peak from /proc")
	}
	t.Parallel()
	for _, c := range []struct {
		name    string
		chunked bool
		orders  []string
	}{
		{"one answer of 40 MB", false, []string{"huge40x1"}},
		{"several in chunks", true, []string{"huge4x1", "huge40x1", "huge4x2", "huge40x2", "huge4x3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim := simulator.New(simulator.Config{Apps: secrets})
			var upstream http.Handler = sim
			if c.chunked {
				upstream = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { sim.ServeHTTP(unsized{w}, r) })
			}
			o := startDeliveries(t, setting{upstream: upstream, runtime: gateway.Config{TimeLimit: 4 * time.Minute}, env: map[string]string{"KYC_TIMEOUT": "30s"}})
			messages := make([]string, len(c.orders))
			for i, order := range c.orders {
				messages[i] = `{"type":"bankcard","order_no":"` + order + `"}`
			}
			before := peak(t, o.event.Process())
			if _, _, _, failed := o.deliver(ckafkaEvent(messages...)); failed != "" {
				t.Fatal(failed)
			}
			for _, order := range c.orders {
				o.expectDelivered("bankcard", order)
			}
			after := peak(t, o.event.Process())
			t.Logf("%d MB at the start, %d MB at the peak", before>>20, after>>20)
			if after > mostMemory {
				t.Errorf("peak of %d MB", after>>20)
			}
			for _, v := range sim.Violations() {
				t.Error(v)
			}
		})
	}
}

// unsized sends an answer without announcing its length.
type unsized struct{ http.ResponseWriter }

func (u unsized) Write(p []byte) (int, error) {
	u.Header().Del("Content-Length")
	return u.ResponseWriter.Write(p)
}

// peak reads the most memory that a process has had resident.
func peak(t *testing.T, p *os.Process) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmHWM:" {
			kilobytes, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			return kilobytes << 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}
