package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// sized is an upstream's answer for the order s<bytes>o<letter>, with its size announced or, where the
// letter is a capital one, not.
func sized(w http.ResponseWriter, order string) {
	size, letter, _ := strings.Cut(strings.TrimPrefix(order, "s"), "o")
	n, _ := strconv.Atoi(size)
	body := fmt.Sprintf("{\"code\":\"0\",\n\"photo\":%q,\"order\":%q}", strings.Repeat(letter, n), order)
	if letter == strings.ToUpper(letter) {
		w.(http.Flusher).Flush()
	} else {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	_, _ = w.Write([]byte(body))
}

// checkReuse returns what is wrong with the value of an invocation for an order.
func checkReuse(value []byte, err error, direct bool, order string) error {
	if err != nil {
		return err
	}
	text := string(value)
	if !direct {
		var r struct{ Body string }
		if err := json.Unmarshal(value, &r); err != nil {
			return err
		}
		text = r.Body
	}
	var got struct{ Photo, Order string }
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		return fmt.Errorf("%s: %w: %.300s", order, err, text)
	}
	size, letter, _ := strings.Cut(strings.TrimPrefix(order, "s"), "o")
	if n, _ := strconv.Atoi(size); got.Order != order || got.Photo != strings.Repeat(letter, n) {
		return fmt.Errorf("%s: the answer of %q, a photo of %d bytes", order, got.Order, len(got.Photo))
	}
	return nil
}

func eventFor(order string, direct bool) []byte {
	if direct {
		return fmt.Appendf(nil, `{"action":"query","type":"bankcard","order_no":%q}`, order)
	}
	return fmt.Appendf(nil, `{"httpMethod":"GET","path":"/ocr/bankcard/%s"}`, order)
}

// An answer is read into the memory of the last one. Nothing of that is seen again, whatever has become
// of it: what was returned is poisoned to the end of its memory.
func TestAnswersReuseMemory(t *testing.T) {
	h, _ := newHandler(t, func(w http.ResponseWriter, r *http.Request) { sized(w, r.URL.Query().Get("order_no")) }, noAuth)
	used := map[*byte]int{}
	random := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- sizes
	const events = 300
	for i := range events {
		order := fmt.Sprintf("s%do%c", random.IntN(1<<(4+random.IntN(14))), "abcXYZ"[random.IntN(6)])
		direct := random.IntN(4) == 0
		value, err := h.Invoke(t.Context(), "id-1", eventFor(order, direct))
		if err := checkReuse(value, err, direct, order); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		whole := value[:cap(value)]
		used[&whole[len(whole)-1]]++
		for i := range whole {
			whole[i] = '"'
		}
	}
	most := 0
	for _, n := range used {
		most = max(most, n)
	}
	if most < events/4 {
		t.Errorf("the same memory served %d of %d events at most", most, events)
	}
}

// Where the platform has several events at a time all the same, each has memory of its own.
func TestOverlappingEventsShareNoMemory(t *testing.T) {
	var arrived sync.WaitGroup
	h, _ := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
		arrived.Done()
		arrived.Wait()
		sized(w, r.URL.Query().Get("order_no"))
	}, noAuth)
	for range 20 {
		const events = 3
		arrived.Add(events)
		var values [events][]byte
		var errs [events]error
		var done sync.WaitGroup
		for i := range events {
			done.Go(func() {
				values[i], errs[i] = h.Invoke(context.Background(), "id-1", eventFor(fmt.Sprintf("s%do%c", 5000+i, 'a'+i), false))
			})
		}
		done.Wait()
		for i := range events {
			if err := checkReuse(values[i], errs[i], false, fmt.Sprintf("s%do%c", 5000+i, 'a'+i)); err != nil {
				t.Fatal(err)
			}
		}
	}
}
