package war

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// A page sees the run that it asks for, and steers it.
func TestHandler(t *testing.T) {
	t.Parallel()
	h := NewHandler(programs(t), "")
	t.Cleanup(h.Close)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close) // after the events, which end with the test

	events := watch(t, server.URL)
	if e := <-events; e.Kind != RunBegan || e.Policy != Own || e.Instances != 5 {
		t.Fatalf("%+v", e)
	}
	post := func(control, body string, status int) {
		t.Helper()
		response, err := http.Post(server.URL+"/"+control, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != status {
			t.Errorf("%s %s: %s", control, body, response.Status)
		}
	}
	until := func(is func(Event) bool) {
		t.Helper()
		for e := range events {
			if is(e) {
				return
			}
		}
		t.Fatal("the events ended")
	}
	post("run", `{"policy":"relay","instances":2}`, http.StatusOK)
	until(func(e Event) bool { return e.Kind == RunBegan && e.Policy == Relay && e.Instances == 2 })
	until(func(e Event) bool { return e.Kind == Query && e.Instance == 1 && e.OK })
	if runtime.GOOS == "windows" {
		post("freeze", `{"instance":1,"on":true}`, http.StatusNotImplemented)
	} else {
		post("freeze", `{"instance":1,"on":true}`, http.StatusOK)
		until(func(e Event) bool { return e.Kind == State && e.State == "frozen" })
	}
	post("kill", `{"instance":1}`, http.StatusOK)
	until(func(e Event) bool { return e.Kind == State && e.State == "killed" })
	until(func(e Event) bool { return e.Kind == State && e.State == "up" && e.Instance == 1 })
	post("store", `{"on":false}`, http.StatusOK)
	until(func(e Event) bool { return e.Kind == StoreIs && !e.Up })
	post("store", `{"on":true}`, http.StatusOK)
	post("foreign", `{}`, http.StatusOK)
	until(func(e Event) bool { return e.Kind == PairLife && e.Instance == foreigner })

	// Who comes later sees the freeze, too.
	again := watch(t, server.URL)
	for e := range again {
		if e.State == "killed" {
			break
		}
	}

	post("run", `{"policy":"relay","instances":0}`, http.StatusConflict)
	post("kill", `{"instance":2}`, http.StatusConflict)
	post("kill", `no JSON`, http.StatusBadRequest)
	post("other", `{}`, http.StatusNotFound)
}

// watch returns the events as a browser gets them, until the test ends.
func watch(t *testing.T, url string) <-chan Event {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if typ := response.Header.Get("Content-Type"); typ != "text/event-stream" {
		t.Fatalf("Content-Type is %q", typ)
	}
	events := make(chan Event)
	go func() {
		defer response.Body.Close()
		defer close(events)
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			data, found := strings.CutPrefix(lines.Text(), "data: ")
			if !found {
				continue
			}
			var e Event
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				t.Error(err)
			}
			select {
			case events <- e:
			case <-t.Context().Done():
				return
			}
		}
	}()
	return events
}

func TestFiles(t *testing.T) {
	t.Parallel()
	h := NewHandler(programs(t), "")
	defer h.Close()
	for name, typ := range map[string]string{"tickets.js": "text/javascript", "timeline.js": "text/javascript", "tickets.css": "text/css"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/"+name, nil))
		if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), typ) || w.Body.Len() < 1000 {
			t.Errorf("%s: %d, type %s, %d bytes", name, w.Code, w.Header().Get("Content-Type"), w.Body.Len())
		}
	}
}
