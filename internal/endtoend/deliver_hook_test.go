package endtoend

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// hook is the other side of a webhook, over HTTPS. It verifies each message with the
// library of Standard Webhooks.
type hook struct {
	server      *httptest.Server
	certificate string // the file of the authority that vouches for it

	mu    sync.Mutex
	told  []told
	fails func(m told) bool
}

// told is a message that came.
type told struct {
	id        string
	raw       []byte
	Type      string
	Timestamp time.Time
	Data      struct {
		AppID   string `json:"app_id"`
		Type    string
		OrderNo string `json:"order_no"`
		Result  json.RawMessage
		Name    string
		Message string
		Reason  string
	}
}

func newHook(t *testing.T) *hook {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	h := &hook{fails: func(told) bool { return false }}
	h.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the function was killed
		}
		m := told{id: r.Header.Get("webhook-id"), raw: body}
		if err = verifier.Verify(body, r.Header); err == nil {
			err = json.Unmarshal(body, &m)
		}
		if err != nil || r.Method != http.MethodPost || r.URL.RequestURI() != "/ocr?token=stray-canary" || time.Since(m.Timestamp).Abs() > time.Minute {
			t.Errorf("%s %s: %v: %.300s", r.Method, r.URL.Path, err, body)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.fails(m) {
			w.WriteHeader(http.StatusConflict)
			return
		}
		h.told = append(h.told, m)
	}))
	h.server.Config.ErrorLog = discard
	h.server.StartTLS()
	t.Cleanup(h.server.Close)
	h.certificate = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.server.Certificate().Raw})
	if err := os.WriteFile(h.certificate, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return h
}

// about returns what was told of an order.
func (h *hook) about(app, typ, order string) (list []told) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.told {
		if m.Data.AppID == app && m.Data.Type == typ && m.Data.OrderNo == order {
			list = append(list, m)
		}
	}
	return list
}

// count returns how many messages of a type came.
func (h *hook) count(typ string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.told {
		if m.Type == typ {
			n++
		}
	}
	return n
}

func (h *hook) setFails(f func(told) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fails = f
}
