// Package page is what a browser shows of the demo: requests and what came of them, the tickets of a
// fleet, a delivery after the OCR, the whole flow of a user. The files beside it are served as they
// are: there is no build step, and nothing comes from elsewhere.
//
// The page is for the machine that it runs on, and shows a demo: its token and its webhook secret
// are no secrets.
package page

import (
	"embed"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"path"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/simulator"
)

//go:embed static
var static embed.FS

// Config has what the page shows. War and Archive are optional.
type Config struct {
	Functions []Function
	// Token is the caller's token of the functions.
	Token string
	// Apps are the apps of the functions, the default one first.
	Apps []string
	// Archive is the folder that the event function delivers to; "" if there is none.
	Archive string
	// Inbox is the webhook that the event function tells, and Secret what it signs with.
	Inbox  *Inbox
	Secret string
	// War is served below /war/, with that prefix taken off the path. Its file tickets.js is the
	// module of the tab Tickets: an ES module that exports mount(section, translate). mount is
	// called once, when the tab is first shown. translate(english, chinese) returns the text in the
	// language of the page; when that changes, the section gets the event "language". Without War
	// the tab says that there is nothing to show.
	War http.Handler
}

// Function is a function that runs, and the upstream that it asks.
type Function struct {
	Name     string // "web" or "event"
	URL      string // where it is served, without a slash at the end
	Upstream *simulator.Simulator
	Log      *Log           // that it writes to
	Event    *gateway.Event // nil for a Web function
}

// server has the handlers of the page's own requests.
type server struct {
	Config
	client *http.Client
}

// New returns the page. It is to be served on a loopback address only: it refuses other hosts, and
// requests that another site makes.
func New(c Config) http.Handler {
	s := &server{Config: c, client: newClient()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", serveFile("index.html"))
	mux.HandleFunc("GET /{name}", func(w http.ResponseWriter, r *http.Request) { serveFile(r.PathValue("name"))(w, r) })
	mux.HandleFunc("GET /api/setup", s.setup)
	mux.HandleFunc("POST /api/ask", s.ask)
	mux.HandleFunc("POST /api/void", s.void)
	mux.HandleFunc("POST /api/phone", s.phone)
	mux.HandleFunc("POST /api/event", s.event)
	mux.HandleFunc("GET /api/delivered", s.delivered)
	mux.HandleFunc("GET /api/archive/{name...}", s.archived)
	if c.War != nil {
		mux.Handle("/war/", http.StripPrefix("/war", c.War))
	}
	return guard(mux)
}

// types are the types of the static files, whatever the machine thinks of their names.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".svg":  "image/svg+xml",
}

func serveFile(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		content, err := fs.ReadFile(static, "static/"+name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", types[path.Ext(name)])
		_, _ = w.Write(content)
	}
}

// setup tells the page what there is.
func (s *server) setup(w http.ResponseWriter, _ *http.Request) {
	type function struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	}
	type scenario struct {
		Prefix string `json:"prefix"`
		What   string `json:"what"`
	}
	setup := struct {
		Functions []function `json:"functions"`
		Scenarios []scenario `json:"scenarios"`
		Token     string     `json:"token"`
		Apps      []string   `json:"apps"`
		Archive   bool       `json:"archive"`
		Secret    string     `json:"secret"`
		War       bool       `json:"war"`
	}{Token: s.Token, Apps: s.Apps, Archive: s.Archive != "", Secret: s.Secret, War: s.War != nil}
	for _, f := range s.Functions {
		setup.Functions = append(setup.Functions, function{f.Name, f.URL})
	}
	for _, sc := range simulator.Scenarios() {
		setup.Scenarios = append(setup.Scenarios, scenario{sc.Prefix, sc.What})
	}
	reply(w, setup)
}

// named returns the function with this name, nil if there is none.
func (s *server) named(name string) *Function {
	for i := range s.Functions {
		if s.Functions[i].Name == name {
			return &s.Functions[i]
		}
	}
	return nil
}

// mostBody bounds a request of the page. A start may carry a photo of 1 MB.
const mostBody = 8 << 20

// read reads a request's JSON into v. It answers and returns false where that is none.
func read(w http.ResponseWriter, r *http.Request, v any) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
	if err == nil {
		err = json.Unmarshal(body, v)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
	return err == nil
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a page that is gone is nobody's error
}
