package war

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

//go:embed static
var static embed.FS

// grace is how long a run goes on that nobody watches: as long as a page takes to be loaded again.
const grace = 5 * time.Second

// usual is the run that a page sees first.
var usual = Setting{Policy: Own, Instances: 5}

// Handler serves the tab Tickets of the demo's page: its files, the events as Server-Sent Events, and
// the controls as POSTs. There is a run as long as somebody watches. It trusts whoever asks: what
// serves it lets through its own page alone.
type Handler struct {
	war *War
	mux *http.ServeMux

	mu      sync.Mutex // guards what follows, and which run there is
	setting Setting
	runs    bool
	watched int // by so many
	closed  bool
}

// NewHandler returns a Handler without a run. Close ends it. p and dir are those of [New].
func NewHandler(p Programs, dir string) *Handler {
	h := &Handler{war: New(p, dir), mux: http.NewServeMux(), setting: usual}
	for name, typ := range map[string]string{
		"tickets.js": "text/javascript; charset=utf-8", "timeline.js": "text/javascript; charset=utf-8", "tickets.css": "text/css; charset=utf-8",
	} {
		h.mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", typ)
			http.ServeFileFS(w, r, static, "static/"+name)
		})
	}
	h.mux.HandleFunc("GET /events", h.events)
	h.mux.HandleFunc("POST /{control}", h.control)
	return h
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// Close ends the run, if there is one. Later requests begin none.
func (h *Handler) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed, h.runs = true, false
	h.war.Close()
}

// watch begins a run where there is none.
func (h *Handler) watch() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watched++
	if h.runs {
		return nil
	}
	return h.run(h.setting)
}

// run begins a run. h.mu is held.
func (h *Handler) run(s Setting) error {
	if h.closed {
		return http.ErrServerClosed
	}
	if err := s.check(); err != nil {
		return err
	}
	err := h.war.Run(s)
	h.setting, h.runs = s, err == nil
	return err
}

// leave ends the run that nobody watches any more, after a while.
func (h *Handler) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watched--
	time.AfterFunc(grace, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.watched == 0 {
			h.runs = false
			h.war.Close()
		}
	})
}

// events sends what is known, and then what happens, until the browser goes away or is too slow; an
// EventSource comes back by itself.
func (h *Handler) events(w http.ResponseWriter, r *http.Request) {
	err := h.watch()
	defer h.leave()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	past, events := h.war.Subscribe(r.Context())
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	for _, e := range past {
		if send(w, e) != nil {
			return
		}
	}
	if out.Flush() != nil {
		return
	}
	for e := range events {
		if send(w, e) != nil || out.Flush() != nil {
			return
		}
	}
}

func send(w http.ResponseWriter, e Event) error {
	data, err := json.Marshal(e)
	if err == nil {
		_, err = fmt.Fprintf(w, "data: %s\n\n", data)
	}
	return err
}

// control does what a button of the page says.
func (h *Handler) control(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Policy    Policy
		Instances int
		Instance  int
		On        bool // frozen, or up
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&q)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch r.PathValue("control") {
	case "run":
		h.mu.Lock()
		err = h.run(Setting{Policy: q.Policy, Instances: q.Instances})
		h.mu.Unlock()
	case "freeze":
		err = h.war.Freeze(q.Instance, q.On)
	case "kill":
		err = h.war.Kill(q.Instance)
	case "store":
		err = h.war.Store(q.On)
	case "foreign":
		err = h.war.Foreign()
	default:
		http.NotFound(w, r)
		return
	}
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		http.Error(w, err.Error(), http.StatusNotImplemented)
	case err != nil:
		http.Error(w, err.Error(), http.StatusConflict)
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}\n"))
	}
}
