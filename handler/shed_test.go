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

	"kyc-ocr-relay/internal/budget"
	"kyc-ocr-relay/internal/relay"
)

// free is what a budget has when nobody holds any of it.
var free = budget.New().Left()

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
			}, func(c *relay.Config) { c.NoAuth = true })
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
			for _, line := range logged.Take(t) {
				if line["error"] == codeLimit && line["level"] == "WARN" {
					shed++
				}
			}
			if shed != statuses[503] {
				t.Errorf("%d lines for %d requests", shed, statuses[503])
			}
			server.Close() // the handlers have returned
			if got := h.budget.Left(); got != free {
				t.Errorf("%d bytes left, want %d", got, free)
			}
		})
	}
}

// TestPanicOutsideARequestIsAnAnswer has the Relay's making panic, in both transports.
func TestPanicOutsideARequestIsAnAnswer(t *testing.T) {
	_, logged := newHandler(t, answerWith(`{}`), nil)
	h := handlerOf(func(context.Context) (*relay.Relay, error) { panic("canary") }, logged.Logger())
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
	list := logged.Take(t)
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
		if list := logged.Take(t); len(list) != 2 || !strings.Contains(list[1]["detail"].(string), "panic (string) at ") {
			t.Errorf("log %v", list)
		}
		if got := h.budget.Left(); got != free {
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
