package page

import (
	"io/fs"
	"net/http"
	"os"
	"path"
	"time"

	"kyc-ocr-relay/internal/gateway"
)

// event invokes the event function, as the platform does when an event comes.
func (s *server) event(w http.ResponseWriter, r *http.Request) {
	var q struct{ Payload string }
	if !read(w, r, &q) {
		return
	}
	f := s.named("event")
	mark := f.Log.mark()
	result, err := f.Event.Invoke(r.Context(), []byte(q.Payload))
	answer := struct {
		Payload string               `json:"payload"` // what the function returned
		Error   *gateway.InvokeError `json:"error"`
		Failure string               `json:"failure"` // of the invocation
		MS      float64              `json:"ms"`
		Log     []string             `json:"log"`
	}{Payload: string(result.Payload), Error: result.Error, MS: milliseconds(result.Duration)}
	if err != nil {
		answer.Failure = err.Error()
	}
	answer.Log = f.Log.of(r.Context(), result.RequestID, mark)
	reply(w, answer)
}

// file is a file of the archive.
type file struct {
	Name  string    `json:"name"`
	Bytes int64     `json:"bytes"`
	At    time.Time `json:"at"`
}

// delivered says what the archive holds and what the webhook was told.
func (s *server) delivered(w http.ResponseWriter, _ *http.Request) {
	files := []file{}
	if s.Archive != "" {
		// What is gone amid the walk, as marks are, is no file. Nor is a folder that does not exist yet.
		_ = fs.WalkDir(os.DirFS(s.Archive), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil
			}
			if info, err := d.Info(); err == nil {
				files = append(files, file{name, info.Size(), info.ModTime()})
			}
			return nil
		})
	}
	reply(w, struct {
		Files []file    `json:"files"`
		Told  []Message `json:"told"`
	}{files, s.Inbox.Messages()})
}

// archived serves a file of the archive.
func (s *server) archived(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if s.Archive == "" || !fs.ValidPath(name) {
		http.NotFound(w, r)
		return
	}
	root, err := os.OpenRoot(s.Archive)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer root.Close()
	content, err := root.ReadFile(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	typ := map[string]string{".json": "application/json", ".jpg": "image/jpeg", ".png": "image/png", ".mp4": "video/mp4"}[path.Ext(name)]
	if typ == "" {
		typ = "text/plain; charset=utf-8"
	}
	w.Header().Set("Content-Type", typ)
	_, _ = w.Write(content)
}
