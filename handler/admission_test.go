package handler

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// free is what a budget has when nobody holds any of it.
const free = photoMemory + plainMemory

func TestPlainAnswersKeepTheirMemory(t *testing.T) {
	b := newBudget()
	var large hold
	large.budget = b
	if !large.admit(true) {
		t.Fatal("nobody is there, and nothing is left")
	}
	if _, ok := large.Take(photoLimit); !ok {
		t.Fatal("the largest answer is refused to the only request")
	}
	if other := (hold{budget: b}); other.admit(true) {
		t.Error("another one with photos is admitted")
	}
	plain := make([]hold, plainMemory/plainShare+1)
	for i := range plain {
		plain[i].budget = b
		if want := i < len(plain)-1; plain[i].admit(false) != want {
			t.Fatalf("plain request %d: want %v", i+1, want)
		}
	}
	if _, ok := plain[0].Take(1 << 20); ok {
		t.Error("a plain request has a large answer at the cost of the others")
	}
	if _, ok := plain[1].Take(1 << 10); !ok {
		t.Error("a plain request does not get what it was admitted with")
	}
	large.release()
	for i := range plain {
		plain[i].release()
	}
	if got := b.left.Load(); got != free {
		t.Errorf("%d bytes left, want %d", got, free)
	}
}

func TestRequestsWithPhotosAreExpectedToNeedWhatOthersDid(t *testing.T) {
	b := newBudget()
	admitted := func() (n int) {
		var holds []*hold
		for {
			h := &hold{budget: b}
			if !h.admit(true) {
				break
			}
			holds = append(holds, h)
		}
		for _, h := range holds {
			h.release()
		}
		return len(holds)
	}
	if got := admitted(); got != photoMemory/photoShare {
		t.Errorf("%d requests at first", got)
	}
	for range 100 {
		h := hold{budget: b}
		h.admit(true)
		h.Take(6 << 20)
		h.release()
	}
	if got := admitted(); got != 10 {
		t.Errorf("%d requests after answers of 6 MB", got)
	}
	for range 100 {
		h := hold{budget: b}
		h.admit(true)
		h.Take(1 << 10)
		h.release()
	}
	if got := admitted(); got != photoMemory/photoShare {
		t.Errorf("%d requests after small answers", got)
	}
}

// TestLargeAnswersDoNotStarvePhotos: what some took says little about what others need.
func TestLargeAnswersDoNotStarvePhotos(t *testing.T) {
	b := newBudget()
	for range 50 { // chunked ones, which take what they turn out to need
		h := hold{budget: b}
		h.admit(true)
		h.Take(photoLimit)
		h.release()
	}
	plain := hold{budget: b}
	if !plain.admit(false) {
		t.Fatal("a plain request is refused")
	}
	for i := range 200 {
		h := hold{budget: b}
		if !h.admit(true) {
			t.Fatalf("request %d for a small photo is refused", i+1)
		}
		h.Take(3)
		h.release()
	}
}

// TestRefusalsLowerWhatIsExpected: where a wrong estimate refuses everybody, nobody is left
// to mend it.
func TestRefusalsLowerWhatIsExpected(t *testing.T) {
	b := newBudget()
	b.usual.Store(mostShare)
	if !b.take(photoMemory-2*photoShare, plainMemory) { // somebody has nearly all
		t.Fatal("nothing is taken, and nothing is left")
	}
	for range 60 {
		h := hold{budget: b}
		if h.admit(true) {
			return
		}
	}
	t.Errorf("after 60 refusals %d bytes are expected", b.usual.Load())
}

// TestBudgetAddsUp has requests take, give and end in any order: what is held is what
// they use, as far as that is known, and never more than there is.
func TestBudgetAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBudget()
		var holds []*hold
		check := func() {
			var held int64
			for _, h := range holds {
				held += h.taken
				if h.taken < min(h.used, photoMemory) {
					t.Fatalf("%d bytes are used, %d held", h.used, h.taken)
				}
			}
			if left := b.left.Load(); left < 0 || left+held != free {
				t.Fatalf("%d left and %d held of %d", left, held, free)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"admit": func(t *rapid.T) {
				h := &hold{budget: b}
				if h.admit(rapid.Bool().Draw(t, "photos")) {
					holds = append(holds, h)
				}
			},
			"take": func(t *rapid.T) {
				if len(holds) > 0 {
					rapid.SampledFrom(holds).Draw(t, "hold").need(overhead + rapid.Int64Range(0, 2*photoMemory).Draw(t, "bytes"))
				}
			},
			"release": func(t *rapid.T) {
				if len(holds) > 0 {
					i := rapid.IntRange(0, len(holds)-1).Draw(t, "hold")
					holds[i].release()
					holds = append(holds[:i], holds[i+1:]...)
				}
			},
			"": func(*rapid.T) { check() },
		})
	})
}

func TestSpareMemoryIsOfAboutTheSize(t *testing.T) {
	for n := 1; n <= 3<<20; n = n*3/2 + 1 {
		keep(make([]byte, n))
		if b := spare(n); len(b) != n || n >= minSpare && cap(b) > 2*n {
			t.Errorf("asked for %d, got %d of %d", n, len(b), cap(b))
		}
	}
}

// TestShedding has many requests for large photos at a time: some are answered, the others
// told to come back, and afterwards all memory is there again.
func TestShedding(t *testing.T) {
	const size, many = 8 << 20, 30
	photo := strings.Repeat("QUJD", size/4)
	body := []byte(`{"code":"0","result":{"bankcardCropPhoto":"` + photo + `"}}`)
	for name, c := range map[string]struct {
		announced bool
		hold      int // as many answers fit, unless they are joined of chunks
	}{"announced": {true, 7}, "in chunks": {false, 5}} {
		t.Run(name, func(t *testing.T) {
			enough := make(chan struct{})
			h, logged := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
				if c.announced {
					w.Header().Set("Content-Length", strconv.Itoa(len(body)))
				}
				w.Write(body[:len(body)-1])
				http.NewResponseController(w).Flush()
				select {
				case <-enough:
					w.Write(body[len(body)-1:])
				case <-r.Context().Done():
				}
			}, func(c *Config) { c.NoAuth = true })
			server := httptest.NewServer(h)
			defer server.Close()
			defer server.Client().CloseIdleConnections()
			var (
				mu       sync.Mutex
				statuses = map[int]int{}
				open     sync.WaitGroup
			)
			for range many {
				open.Go(func() {
					response, err := server.Client().Get(server.URL + "/ocr/bankcard/a1/photos/bankcardCropPhoto")
					if err != nil {
						t.Error(err)
						return
					}
					defer response.Body.Close()
					mu.Lock()
					defer mu.Unlock()
					statuses[response.StatusCode]++
					if response.StatusCode != 503 {
						return
					}
					if statuses[503] == many-c.hold {
						close(enough)
					}
					var told map[string]string
					if err := json.NewDecoder(response.Body).Decode(&told); err != nil || told["code"] != codeLimit || response.Header.Get("Retry-After") != "1" {
						t.Errorf("got %v, %v, %v", told, response.Header, err)
					}
				})
			}
			open.Wait()
			if statuses[200] == 0 || statuses[503] == 0 || statuses[200]+statuses[503] != many {
				t.Errorf("statuses %v", statuses)
			}
			shed := 0
			for _, line := range logged.take(t) {
				if line["error"] == codeLimit && line["level"] == "WARN" {
					shed++
				}
			}
			if shed != statuses[503] {
				t.Errorf("%d lines for %d requests", shed, statuses[503])
			}
			server.Close() // the handlers have returned
			if got := h.budget.left.Load(); got != free {
				t.Errorf("%d bytes left, want %d", got, free)
			}
		})
	}
}

// TestPanicOutsideARequestIsAnAnswer has the Relay's making panic, in both transports.
func TestPanicOutsideARequestIsAnAnswer(t *testing.T) {
	_, logged := newHandler(t, answerWith(`{}`), nil)
	h := NewHandler(func(context.Context) (*Relay, error) { panic("canary") }, newLog(logged))
	if w := get(h, "/healthz", nil); w.Code != 500 || !strings.Contains(w.Body.String(), `"InternalError"`) {
		t.Errorf("got %d, %s", w.Code, w.Body)
	}
	value, err := h.Invoke(t.Context(), "id-1", []byte(`{"httpMethod":"GET","path":"/healthz"}`))
	if err != nil || !strings.Contains(string(value), `"statusCode":500`) {
		t.Errorf("got %s, %v", value, err)
	}
	if _, err := h.Invoke(t.Context(), "id-1", []byte(`{"Type":"Timer"}`)); err == nil || !strings.Contains(err.Error(), `"InternalError"`) {
		t.Errorf("got %v", err)
	}
	list := logged.take(t)
	if len(list) != 3 {
		t.Errorf("%d lines", len(list))
	}
	for _, line := range list {
		detail, _ := line["detail"].(string)
		if line["error"] != codeInternal || !strings.Contains(detail, "panic (string) at ") || strings.Contains(detail, "canary") {
			t.Errorf("line %v", line)
		}
	}
}

// explosive panics when the response is written.
type explosive struct{ http.ResponseWriter }

func (explosive) WriteHeader(int) { panic("canary") }

func TestPanicWhileWritingEndsTheConnection(t *testing.T) {
	h, logged := newHandler(t, answerWith(`{"code":"0"}`), noAuth)
	defer func() {
		if cause := recover(); cause != http.ErrAbortHandler {
			t.Errorf("panic %v", cause)
		}
		if list := logged.take(t); len(list) != 2 || !strings.Contains(list[1]["detail"].(string), "panic (string) at ") {
			t.Errorf("log %v", list)
		}
		if got := h.budget.left.Load(); got != free {
			t.Errorf("%d bytes left, want %d", got, free)
		}
	}()
	h.ServeHTTP(explosive{httptest.NewRecorder()}, httptest.NewRequest(http.MethodGet, "/ocr/bankcard/a1", nil))
}

// deadlines notes when a response has to be written.
type deadlines struct {
	*httptest.ResponseRecorder
	at time.Time
}

func (d *deadlines) SetWriteDeadline(at time.Time) error {
	d.at = at
	return errors.ErrUnsupported
}

func TestSlowReadersHaveADeadline(t *testing.T) {
	for size, want := range map[int]time.Duration{1 << 10: 0, 1 << 20: 14 * time.Second, 5 << 20: 30 * time.Second} {
		h, _ := newHandler(t, answerWith(`{"code":"0","x":"`+strings.Repeat("x", size)+`"}`), noAuth)
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ocr/bankcard/a1", nil))
		switch limit := time.Until(w.at); {
		case want == 0 && !w.at.IsZero():
			t.Errorf("%d bytes: a deadline of their own", size)
		case want != 0 && (limit > want+time.Second || limit < want-5*time.Second):
			t.Errorf("%d bytes: %v, want %v", size, limit, want)
		}
	}
}
