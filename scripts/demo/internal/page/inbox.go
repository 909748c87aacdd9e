package page

import (
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// mostMessages is how many messages an inbox keeps.
	mostMessages = 50
	// mostMessage bounds one, in bytes: a result without its photos is small.
	mostMessage = 1 << 20
)

// Message is what a webhook was told.
type Message struct {
	At      time.Time   `json:"at"`
	Headers [][2]string `json:"headers"`
	Body    string      `json:"body"` // byte for byte: it is what was signed
}

// Inbox is the receiver of a webhook. It keeps the last messages, and verifies none: the page does.
// Its zero value is ready.
type Inbox struct {
	mu   sync.Mutex
	told []Message
}

// ServeHTTP takes a message.
func (i *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostMessage))
	if err != nil || r.Method != http.MethodPost {
		http.Error(w, "a POST of 1 MB at most", http.StatusBadRequest)
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.told = append(i.told, Message{time.Now(), headers(r.Header), string(body)})
	if len(i.told) > mostMessages {
		i.told = slices.Clone(i.told[1:])
	}
	w.WriteHeader(http.StatusNoContent)
}

// Messages returns what came, the oldest first.
func (i *Inbox) Messages() []Message {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]Message{}, i.told...)
}
