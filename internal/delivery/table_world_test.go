package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"kyc-ocr-relay/internal/costest"
	"kyc-ocr-relay/internal/order"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/secret"
)

// host is one end of the network of a test: a bucket, or a receiver of webhooks.
type host struct {
	bucket *costest.Bucket // nil: a receiver
	fault  string          // one of the faults of the table; "": none
	told   map[string]int  // by order
}

// network has hosts by name, and no kernel: its time is the bubble's.
type network struct {
	hosts map[string]*host
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	mu    sync.Mutex // of the hosts
}

func newNetwork(t *testing.T) *network {
	n := &network{hosts: map[string]*host{}, conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: n}
	go server.Serve(n)
	t.Cleanup(func() { server.Close() })
	return n
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.done:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error   { n.once.Do(func() { close(n.done) }); return nil }
func (n *network) Addr() net.Addr { return &net.TCPAddr{} }

func (n *network) dial(_ context.Context, _, address string) (net.Conn, error) {
	name, _, err := net.SplitHostPort(address)
	if err != nil || n.find(name).fault == "unreachable" {
		return nil, errors.New("connection refused")
	}
	near, far := net.Pipe()
	n.conns <- far
	return near, nil
}

// find returns a copy of the host's fields, as they are now.
func (n *network) find(name string) host {
	n.mu.Lock()
	defer n.mu.Unlock()
	return *n.hosts[name]
}

func (n *network) setFault(name, fault string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[name].fault = fault
}

func (n *network) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := n.find(r.Host)
	isMark := strings.Contains(r.URL.Path, "/undelivered/")
	switch {
	case h.fault == "404":
		failing(http.StatusNotFound)(w, r)
	case h.fault == "500", h.fault == "mark unreadable" && isMark && r.Method == http.MethodGet:
		failing(http.StatusInternalServerError)(w, r)
	case h.fault == "mark not writable" && isMark && r.Method == http.MethodPut:
		failing(http.StatusForbidden)(w, r)
	case h.fault == "timeout":
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	case h.bucket == nil:
		n.receive(w, r)
	case h.fault == "wrong signature":
		newTestBucket("another-key").ServeHTTP(w, r)
	default:
		h.bucket.ServeHTTP(w, r)
	}
}

// receive is a receiver of webhooks, which verifies the signature.
func (n *network) receive(w http.ResponseWriter, r *http.Request) {
	key := hookSecret
	if n.find(r.Host).fault == "wrong signature" {
		key = "another-secret"
	}
	body, err := io.ReadAll(r.Body)
	verifier, bad := standardwebhooks.NewWebhookRaw([]byte(key))
	if err = errors.Join(err, bad); err == nil {
		err = verifier.Verify(body, r.Header)
	}
	var m struct {
		Data struct {
			No string `json:"order_no"`
		}
	}
	if err = errors.Join(err, json.Unmarshal(body, &m)); err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[r.Host].told[m.Data.No]++
}

func newTestBucket(key string) *costest.Bucket {
	return costest.New(costest.Config{Name: cosName, SecretID: cosID, SecretKey: key, SessionToken: cosToken})
}

// add adds a host: an archive where the name begins with "archive".
func (n *network) add(name string) {
	h := &host{told: map[string]int{}}
	if isArchive(name) {
		h.bucket = newTestBucket(cosKey)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[name] = h
}

func isArchive(name string) bool { return strings.HasPrefix(name, "archive") }

// open opens sinks at these hosts, which talk through the network.
func (n *network) open(t *testing.T, names []string) *Sinks {
	c := Config{Secret: secret.New(hookSecret), Role: role.Source(testRole)}
	for _, name := range names {
		u := "http://" + name + "/hook"
		if isArchive(name) {
			u = "cos://" + cosName + ".ap-guangzhou/kyc?endpoint=" + url.QueryEscape("http://"+name)
		}
		c.To = append(c.To, secret.New(u))
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range s.archives {
		a.(*cosArchive).bucket.Pool.DialContext = n.dial
	}
	for _, h := range s.hooks {
		h.client.Transport.(*http.Transport).DialContext = n.dial
	}
	return s
}

// reached reports whether a host has the whole order, or was told of it.
func (n *network) reached(name string, o order.Order) bool {
	h := n.find(name)
	if h.bucket == nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		return h.told[o.No] > 0
	}
	objects := h.bucket.Objects()
	for _, key := range complete {
		if objects["kyc/"+key].Data == nil {
			return false
		}
	}
	return true
}

// marked reports whether the host has a mark of the order.
func (n *network) marked(name string, o order.Order) bool {
	h := n.find(name)
	return h.bucket != nil && h.bucket.Objects()["kyc/"+markKey(o)].Data != nil
}
