package endtoend

import (
	"bytes"
	"crypto/sha256"
	"hash"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
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
	asked    int        // signed calls among them: all but those for a token or a ticket
	query    url.Values // of the last signed call
	body     []byte     // likewise
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

func isSigned(r *http.Request) bool { return !strings.HasPrefix(r.URL.Path, "/api/oauth2/") }

// arrive returns how many signed calls came so far.
func (v *witness) arrive(r *http.Request) (turn int) {
	q := r.URL.Query()
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls++
	if isSigned(r) {
		v.asked++
		v.query, v.body = q, body
	}
	if r.Method != http.MethodPost { // of a POST it is the order number
		v.canaries.add("query", r.URL.RawQuery)
	}
	for _, name := range []string{"secret", "access_token", "sign", "nonce", "order_no", "user_id"} {
		v.canaries.add(name, q.Get(name))
	}
	v.look(body)
	return v.asked
}

// personal finds what a body says about a person, and the credentials in it.
var personal = regexp.MustCompile(`"(access_token|value|bankCardNo|bankcardNo|idcard|licenseNo|plateNo|name|idNo|userId|orderNo|nonce|sign|faceId|h5faceId|certId|user_id|id_no|order_no)"\s*:\s*"([^"]+)"`)

// photograph finds where the Base64 of a photo begins.
var photograph = regexp.MustCompile(`"\w*(?:[pP]hoto|Crop|Str|photoList)"\s*:\s*\[?"`)

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
	if isSigned(r) {
		v.answers[d] = true
		if turn == v.asked { // a client may have left an answer that is still on its way
			v.last = d
		}
	}
	v.look(c.head.Bytes())
}

// look finds what must not be told in a body, either way. The caller holds v.mu.
func (v *witness) look(body []byte) {
	head := body[:min(len(body), mostHead)]
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

// count returns how many calls came so far, and how many signed ones among them.
func (v *witness) count() (calls, asked int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.calls, v.asked
}

// latest returns the query of the last signed call and the body that answered it.
func (v *witness) latest() (url.Values, digest) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.query, v.last
}

// posted returns the body of the last signed call.
func (v *witness) posted() []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.body
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
