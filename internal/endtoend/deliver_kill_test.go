package endtoend

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// killRounds is how often a delivery is broken off.
const killRounds = 200

// TestDeliverSurvivesKills kills the process at random moments of deliveries. There is
// never a result without its photos; the next event delivers the rest, once.
func TestDeliverSurvivesKills(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute")
	}
	t.Parallel()
	o := startDeliveries(t, setting{})
	event := func(order string) string { return `{"action":"deliver","type":"bankcard","order_no":"` + order + `"}` }
	// Small photos, and three of 256 KB: there writing takes most of the time.
	prefixes := []string{"small", "huge1x"}
	took := map[string]time.Duration{}
	o.deliver(event("warm"))
	for i := range 6 {
		prefix, begin := prefixes[i%2], time.Now()
		o.deliver(event(fmt.Sprintf("%stime%d", prefix, i)))
		took[prefix] = max(took[prefix], time.Since(begin))
	}
	var nothing, halfway, archived, finished int
	for i := range killRounds {
		prefix := prefixes[i%2]
		order := fmt.Sprintf("%s%d", prefix, i)
		o.newBucket()
		begin, done := time.Now(), make(chan time.Duration, 1)
		go func() {
			if result, err := o.event.Invoke(t.Context(), []byte(event(order))); err != nil || result.Error != nil {
				begin = time.Time{}
			}
			done <- time.Since(begin)
		}()
		<-time.After(rand.N(took[prefix] * 5 / 4))
		_ = o.event.Process().Kill() // it may be restarting: then it is alive
		lasted := <-done
		whole := !begin.IsZero()
		// The machine is shared: what a delivery takes changes.
		if whole {
			took[prefix] = (took[prefix] + lasted) / 2
		} else {
			took[prefix] += took[prefix] / 50
		}
		// The runtime may learn of the kill only now.
		_, _ = o.event.Invoke(t.Context(), []byte(`{"action":"nothing"}`))

		inFile, err := o.whole(o.file, "bankcard", order)
		if err != nil {
			t.Errorf("%s: file: %v", order, err)
		}
		inCOS, err := o.whole(o.object(), "bankcard", order)
		if err != nil {
			t.Errorf("%s: COS: %v", order, err)
		}
		switch {
		case whole:
			finished++
		case inFile && inCOS:
			archived++
		case inFile || len(o.files(firstApp+"/bankcard/"+order)) > 0:
			halfway++
		default:
			nothing++
		}

		if _, _, _, failed := o.deliver(event(order)); failed != "" {
			t.Errorf("%s again: %s", order, failed)
		}
		o.expectDelivered("bankcard", order)
		if marks := o.files("undelivered"); len(marks) > 0 {
			t.Errorf("%s: marks %q", order, marks)
		}
		if objects := len(o.bucket.Load().Objects()); objects != 4 {
			t.Errorf("%s: %d objects", order, objects)
		}
	}
	for _, name := range o.files("") {
		if strings.HasSuffix(name, ".part") {
			t.Errorf("%s is left", name)
		}
	}
	t.Logf("a delivery takes %v; of %d kills %d came before anything was written, %d while an archive was, %d between the archives and the end, %d after it",
		took, killRounds, nothing, halfway, archived, finished)
}
