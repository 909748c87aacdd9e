package endtoend

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"sync"
)

// digest stands for a body.
type digest struct {
	size int
	hash [sha256.Size]byte
}

// witness stands before the upstream and remembers what passed.
type witness struct {
	next http.Handler

	mu       sync.Mutex
	calls    int
	asked    int        // result queries among them
	query    url.Values // of the last result query
	last     digest     // of the last answer to one
	answers  map[digest]bool
	canaries canaries
}

func newWitness(next http.Handler) *witness {
	return &witness{next: next, answers: map[digest]bool{}, canaries: canaries{}}
}

func (v *witness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	turn := v.arrive(r)
	c := &copier{ResponseWriter: w, hash: sha256.New()}
	c.whole = sync.OnceFunc(func() { v.leave(r, turn, c) })
	defer c.whole() // the simulator aborts by a panic, too
	v.next.ServeHTTP(c, r)
}

func isResult(r *http.Request) bool { return dropIn[r.URL.Path] }

var dropIn = map[string]bool{"/api/server/getBankCardOcrResult": true, "/api/server/getOcrResult": true}

// arrive returns how many result queries came so far.
func (v *witness) arrive(r *http.Request) (turn int) {
	q := r.URL.Query()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls++
	if isResult(r) {
		v.asked++
		v.query = q
	}
	v.canaries.add("query", r.URL.RawQuery)
	for _, name := range []string{"secret", "access_token", "sign", "nonce", "order_no"} {
		v.canaries.add(name, q.Get(name))
	}
	return v.asked
}

// personal finds what an answer says about a person, and the credentials in it.
var personal = regexp.MustCompile(`"(access_token|value|bankCardNo|idcard|name)"\s*:\s*"([^"]+)"`)

// photograph finds where the Base64 of a photo begins.
var photograph = regexp.MustCompile(`"\w*(?:Photo|Crop)"\s*:\s*"`)

// Of a photo, a stretch behind the head that all photos share is looked for.
const (
	stretchAt   = 1000
	stretchSize = 48
)

func (v *witness) leave(r *http.Request, turn int, c *copier) {
	d := digest{size: c.size}
	c.hash.Sum(d.hash[:0])
	v.mu.Lock()
	defer v.mu.Unlock()
	if isResult(r) {
		v.answers[d] = true
		if turn == v.asked { // a client may have left an answer that is still on its way
			v.last = d
		}
	}
	head := c.head.Bytes()
	for _, found := range personal.FindAllSubmatch(head, -1) {
		v.canaries.add(string(found[1]), string(found[2]))
	}
	for _, found := range photograph.FindAllIndex(head, -1) {
		from, to := found[1]+stretchAt, found[1]+stretchAt+stretchSize
		if to <= len(head) && bytes.IndexByte(head[found[1]:to], '"') < 0 {
			v.canaries.addPhoto(string(head[from:to]))
		}
	}
}

// sent reports whether the upstream answered with this body.
func (v *witness) sent(d digest) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.answers[d]
}

// count returns how many calls came so far, and how many result queries among them.
func (v *witness) count() (calls, asked int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.calls, v.asked
}

// latest returns the last result query and the body that answered it.
func (v *witness) latest() (url.Values, digest) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.query, v.last
}

// copier hashes a response on its way, and keeps its head.
type copier struct {
	http.ResponseWriter
	hash  hash.Hash
	head  bytes.Buffer
	size  int
	whole func() // called before the client has all of the body
}

// mostHead is what is kept: the text of a document and the head of its first photos.
const mostHead = 32 << 10

func (c *copier) Write(p []byte) (int, error) {
	c.size += len(p)
	c.hash.Write(p)
	c.head.Write(p[:min(len(p), mostHead-c.head.Len())])
	if c.Header().Get("Content-Length") == strconv.Itoa(c.size) {
		c.whole()
	}
	return c.ResponseWriter.Write(p)
}

// Unwrap lets the simulator reach the connection.
func (c *copier) Unwrap() http.ResponseWriter { return c.ResponseWriter }
