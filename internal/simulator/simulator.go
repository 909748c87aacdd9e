package simulator

import (
	"net/http"
	"sync"
	"time"
)

// Config says whom the simulator serves and how fast its credentials age.
// Only Apps is required: zero means the vendor's documented value.
type Config struct {
	Apps       map[string]string // secret by app_id
	Overlap    time.Duration     // how long the previous pair lives after a newer one was issued; 0 = 1 minute
	TokenLife  time.Duration     // 0 = 7200 s
	TicketLife time.Duration     // of a SIGN ticket; 0 = 3600 s
	PhotoLag   time.Duration     // "late": how long after the first query of an order its photos appear; 0 = 1 s
	Pause      time.Duration     // "slow": how long an answer takes; 0 = 10 s

	// KeepAlive is how long a connection is kept between two calls, of a server that KeepConnections has prepared; then it
	// is closed, which nothing announces. 0 = for good: the vendor documents nothing. Below 0: an answer is the last one on
	// its connection, and says so.
	KeepAlive time.Duration
}

// Simulator is the vendor's API. It is safe for concurrent use, starts no
// goroutines, reads the time with time.Now and keeps all of its state in itself,
// so that it can live inside a testing/synctest bubble.
type Simulator struct {
	cfg    Config
	photos photos

	mu         sync.Mutex // guards what follows; never held while writing or waiting
	accounts   map[string]*account
	violations []string
	requests   map[string]int // by path
	intercept  func(http.ResponseWriter, *http.Request, Call) bool
}

// New returns a simulator of the apps in cfg. It panics if there are none: a
// simulator that refuses everybody is a mistake in the test.
func New(cfg Config) *Simulator {
	if len(cfg.Apps) == 0 {
		panic("simulator: Config.Apps is empty")
	}
	orDefault(&cfg.Overlap, time.Minute)
	orDefault(&cfg.TokenLife, 7200*time.Second)
	orDefault(&cfg.TicketLife, 3600*time.Second)
	orDefault(&cfg.PhotoLag, time.Second)
	orDefault(&cfg.Pause, 10*time.Second)
	s := &Simulator{cfg: cfg, photos: newPhotos(), accounts: map[string]*account{}, requests: map[string]int{}}
	for appID, secret := range cfg.Apps {
		s.accounts[appID] = newAccount(secret)
	}
	s.cfg.Apps = nil // copied above: later changes to the caller's map are not ours
	return s
}

func orDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// ServeHTTP answers one call. The rules are judged first, so that violations
// are recorded for calls that an interceptor answers, too.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == loginPath {
		s.serveLogin(w, r)
		return
	}
	e, ok := endpoints[r.URL.Path]
	if !ok {
		s.unknownPath(w, r)
		return
	}
	s.count(r.URL.Path)
	if e.post && r.Method == http.MethodGet {
		s.wrongMethod(w, r)
		return
	}
	var posted []byte
	if e.post {
		if posted, ok = readBody(w, r); !ok {
			return
		}
	}
	q := s.receive(r, e, posted)
	defer s.done(q)
	if f := s.interceptor(); f != nil && f(w, r, q.call) {
		return
	}
	switch {
	case q.refusal != "":
		s.refuse(w, q, q.refusal)
	case q.call == TokenCall:
		s.answerToken(w, q)
	case q.call == TicketCall, q.call == NonceCall:
		s.answerTicket(w, r, q)
	default:
		s.answerSigned(w, r, q)
	}
}

func (s *Simulator) count(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[path]++
}

func (s *Simulator) interceptor() func(http.ResponseWriter, *http.Request, Call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.intercept
}

func (s *Simulator) unknownPath(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.violate("%s %.80q: no such path", r.Method, r.URL.Path)
	s.mu.Unlock()
	page(w, http.StatusNotFound, "404 Not Found")
}

// wrongMethod answers a GET of a path that takes a POST, which the vendor does by the
// status alone.
func (s *Simulator) wrongMethod(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.violate("%s %s: wrong method, POST expected", r.Method, r.URL.Path)
	s.mu.Unlock()
	w.Header().Set("Allow", http.MethodPost)
	page(w, http.StatusMethodNotAllowed, "405 Not Allowed")
}

// page answers with the kind of HTML page that proxies in front of an API send.
func page(w http.ResponseWriter, status int, title string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<html>\r\n<head><title>" + title + "</title></head>\r\n<body><center><h1>" +
		title + "</h1></center><hr></body>\r\n</html>\r\n"))
}
