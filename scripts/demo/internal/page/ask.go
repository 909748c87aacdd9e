package page

import (
	"cmp"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// askLimit bounds a request to a function. It is above the function's own time limit.
const askLimit = time.Minute

func newClient() *http.Client {
	return &http.Client{
		Timeout:       askLimit,
		Transport:     &http.Transport{Proxy: nil, DisableCompression: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// exchange is a request and what came back, for the page to show.
type exchange struct {
	Status  int         `json:"status"`
	Headers [][2]string `json:"headers"`
	// Body is text, or Base64 of what is none.
	Body   string   `json:"body"`
	Base64 bool     `json:"base64"`
	MS     float64  `json:"ms"`  // from here to the function and back
	Log    []string `json:"log"` // what the function wrote meanwhile
}

// ask makes one request to a function.
func (s *server) ask(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Function, Method, Path, Body string
		Token                        bool
	}
	if !read(w, r, &q) {
		return
	}
	f := s.named(q.Function)
	if f == nil || q.Method != http.MethodGet && q.Method != http.MethodPost || !strings.HasPrefix(q.Path, "/") {
		http.Error(w, "function is web or event, method GET or POST, path begins with a slash", http.StatusBadRequest)
		return
	}
	request, err := http.NewRequestWithContext(r.Context(), q.Method, f.URL+q.Path, strings.NewReader(q.Body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if q.Token {
		request.Header.Set("Authorization", "Bearer "+s.Token)
	}
	if q.Body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	mark, begin := f.Log.mark(), time.Now()
	response, err := s.client.Do(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	x := exchange{Status: response.StatusCode, Body: string(body), MS: milliseconds(time.Since(begin))}
	if typ := response.Header.Get("Content-Type"); !utf8.Valid(body) || strings.HasPrefix(typ, "image/") || strings.HasPrefix(typ, "video/") {
		x.Body, x.Base64 = base64.StdEncoding.EncodeToString(body), true
	}
	x.Headers = headers(response.Header)
	x.Log = f.Log.of(r.Context(), requestID(response.Header), mark)
	reply(w, x)
}

// requestID is what the function calls the request, or the platform where the function did not answer.
func requestID(h http.Header) string {
	return cmp.Or(h.Get("X-Request-Id"), h.Get("X-Scf-Request-Id"))
}

// headers are the headers by name.
func headers(h http.Header) [][2]string {
	list := [][2]string{}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			list = append(list, [2]string{name, value})
		}
	}
	return list
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}

// void lets another server of an app fetch token and ticket until the pair of a function is void.
func (s *server) void(w http.ResponseWriter, r *http.Request) {
	var q struct{ Function, App string }
	if !read(w, r, &q) {
		return
	}
	f := s.named(q.Function)
	if f == nil || !slices.Contains(s.Apps, q.App) {
		http.Error(w, "no such function or app", http.StatusBadRequest)
		return
	}
	f.Upstream.Void(q.App)
	reply(w, struct{}{})
}
