package scf

import (
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// instance is a Web function of which each request takes some time of a processor, and waits.
type instance struct {
	*processors
	used atomic.Int64 // nanoseconds
	sets []int        // of processors
}

func newInstance(all int) *instance {
	i := &instance{}
	i.processors = &processors{all: all, used: func() time.Duration { return time.Duration(i.used.Load()) }, set: func(n int) int {
		i.sets = append(i.sets, n)
		return 0
	}}
	return i
}

// ask sends requests, so many at a time, for a duration. Together they use a share of a processor.
func (i *instance) ask(atOnce int, share float64, duration time.Duration) {
	const took = time.Millisecond
	h := i.serving(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		time.Sleep(took)
		i.used.Add(int64(float64(took) * share / float64(atOnce)))
	}))
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for range duration / took {
				h.ServeHTTP(nil, nil)
			}
		})
	}
	workers.Wait()
}

func TestProcessorsAsTheyPay(t *testing.T) {
	for name, c := range map[string]struct {
		all  int
		ask  func(*instance)
		want []int
	}{
		"busy": {4, func(i *instance) { i.ask(32, 0.8, time.Second) }, []int{4}},
		"busy, and then calm": {4, func(i *instance) {
			i.ask(32, 0.8, time.Second)
			i.ask(1, 0.01, time.Second)
		}, []int{4, 1}},
		"busy again after a pause": {4, func(i *instance) {
			i.ask(32, 0.8, time.Second)
			time.Sleep(time.Hour)
			i.ask(32, 0.8, time.Second)
		}, []int{4}},
		"less than a processor": {4, func(i *instance) { i.ask(32, 0.3, time.Second) }, nil},
		"few at a time":         {4, func(i *instance) { i.ask(4, 0.9, time.Second) }, nil},
		"no other":              {1, func(i *instance) { i.ask(32, 0.9, time.Second) }, nil},
		"GOMAXPROCS is set":     {0, func(i *instance) { i.ask(32, 0.9, time.Second) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := newInstance(c.all)
				c.ask(i)
				if !slices.Equal(i.sets, c.want) {
					t.Errorf("set to %v, want %v", i.sets, c.want)
				}
			})
		})
	}
}

// The time of a process grows as it works.
func TestProcessorTime(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("it is not known here")
	}
	for before := processorTime(); processorTime() == before; {
		_ = strings.Repeat("work", 1<<10)
	}
}
