package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"time"
)

// conn is a connection. One round trip uses it at a time.
type conn struct {
	pool    *Pool
	network net.Conn
	stream  net.Conn    // the same, or TLS over it
	silent  func() bool // whether the network has nothing to be read; nil: it cannot tell
	in      *bufio.Reader
	left    int64 // bytes that may still be read
	ended   bool  // reading has ended or failed
	out     *bufio.Writer
	sent    int64 // bytes of the request
	broken  bool  // sending failed, and not for the request's own sake
	since   int64 // when it was put into the pool, Unix nanoseconds
}

var errHeader = errors.New("the header is too large")

// Read implements io.Reader, within left.
func (c *conn) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errHeader
	}
	if int64(len(b)) > c.left {
		b = b[:c.left]
	}
	n, err := c.stream.Read(b)
	c.left -= int64(n)
	c.ended = c.ended || err != nil
	return n, err
}

// writer counts what is written.
type writer struct{ *conn }

func (w writer) Write(b []byte) (int, error) {
	n, err := w.stream.Write(b)
	w.sent += int64(n)
	w.broken = w.broken || err != nil
	return n, err
}

// past returns a deadline that has passed.
func past() time.Time { return time.Unix(1, 0) }

// isQuiet reports, without waiting, whether nothing has come since the last answer: neither the end, nor
// what nobody asked for. The deadline is over then.
func (c *conn) isQuiet() bool {
	if c.silent != nil {
		if !c.silent() {
			return false
		}
		if c.stream == c.network {
			return true
		}
	}
	// TLS reads ahead. Where it has read nothing, it meets the deadline.
	_ = c.network.SetReadDeadline(past())
	var b [1]byte
	n, err := c.stream.Read(b[:])
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
}

// close closes a connection that nothing is under way on. TLS says farewell: some servers resume no session that
// ended without.
func (c *conn) close() { _ = c.stream.Close() }

// abort closes a connection at once: a server that reads nothing would be waited for.
func (c *conn) abort() { _ = c.network.Close() }

// interrupt ends what waits for the network.
func (c *conn) interrupt() { _ = c.network.SetDeadline(past()) }

// roundTrip sends a request and returns the answer, whose body gives the connection back when it has been
// read. After an error, the connection is closed.
func (c *conn) roundTrip(r *http.Request, deadline time.Time) (*http.Response, error) {
	_ = c.network.SetDeadline(deadline)
	b := &body{conn: c, stop: context.AfterFunc(r.Context(), c.interrupt)}
	if r.ContentLength > inline {
		b.sending = make(chan error, 1)
		go func() {
			err := c.send(r)
			if err != nil && !c.broken {
				c.interrupt() // the answer would not come
			}
			b.sending <- err
		}()
	} else if err := c.send(r); err != nil {
		_ = b.end(false)
		return nil, err
	}
	response, err := c.receive(r)
	if err != nil {
		if failed := b.end(false); failed != nil && (Unsent(failed) || !c.broken) {
			err = failed
		}
		return nil, err
	}
	b.keep = !response.Close
	if response.Body == http.NoBody {
		_ = b.end(true)
		return response, nil
	}
	b.content, response.Body = response.Body, b
	return response, nil
}

// inline is the size of a request's body up to which it is sent before the answer is read: the network
// takes that much from a server that does not read. A larger one is sent meanwhile, as a server may
// answer, and wait for nothing more, before it has read all.
const inline = 16 << 10

// send writes the request.
func (c *conn) send(r *http.Request) error {
	c.sent = 0
	err := writeHead(c.out, r)
	if err == nil && r.ContentLength > 0 {
		err = c.sendBody(r)
	}
	if err == nil {
		err = c.out.Flush()
	}
	if err != nil && c.sent == 0 {
		err = unsent{err}
	}
	return err
}

var errBody = errors.New("the body has another length than it says")

func (c *conn) sendBody(r *http.Request) error {
	defer r.Body.Close()
	w := exactly{c.out, r.ContentLength}
	_, err := io.Copy(&w, r.Body)
	if err == nil && w.left != 0 {
		err = errBody
	}
	return err
}

// exactly writes no more than left bytes: what follows them would be another request.
type exactly struct {
	w    io.Writer
	left int64
}

func (e *exactly) Write(b []byte) (int, error) {
	if int64(len(b)) > e.left {
		return 0, errBody
	}
	e.left -= int64(len(b))
	return e.w.Write(b)
}

// mostInterim is how many answers of status 1xx come before the one that counts.
const mostInterim = 5

var errInterim = errors.New("too many interim answers")

// receive reads the header of the answer.
func (c *conn) receive(r *http.Request) (*http.Response, error) {
	c.left = c.pool.MaxHeader
	for range mostInterim + 1 {
		response, err := http.ReadResponse(c.in, r)
		if err != nil {
			return nil, err
		}
		if interim := response.StatusCode/100 == 1 && response.StatusCode != http.StatusSwitchingProtocols; !interim {
			c.left = math.MaxInt64
			return response, nil
		}
	}
	return nil, errInterim
}

// body is that of an answer.
type body struct {
	conn    *conn
	content io.Reader
	stop    func() bool
	sending chan error // of a request that is sent meanwhile; nil: it was sent before
	keep    bool
	err     error // of reading; nil until it ended
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.content.Read(p)
	if err != nil {
		b.err = err
		_ = b.end(err == io.EOF)
	}
	return n, err
}

// Close implements io.Closer. What has not been read is not waited for.
func (b *body) Close() error {
	if b.err == nil {
		b.err = http.ErrBodyReadAfterClose
		_ = b.end(false)
	}
	return nil
}

// end gives the connection back, or closes it, and returns what sending the request came to. Nothing uses
// the request afterwards.
func (b *body) end(whole bool) (err error) {
	c := b.conn
	whole = b.stop() && whole
	if b.sending != nil {
		whole, err = b.await(whole)
	}
	switch {
	case !whole:
		c.abort()
	case !b.keep || c.ended || c.in.Buffered() > 0:
		c.close()
	default:
		c.pool.put(c)
	}
	return err
}

// patience is how long sending a request may still take when its answer is there: the server wanted
// all of it, as a rule, and only this side has not noticed.
const patience = 50 * time.Millisecond

// await waits for a request that is sent meanwhile, and reports whether the connection is whole then.
func (b *body) await(whole bool) (bool, error) {
	if whole {
		select {
		case err := <-b.sending:
			return err == nil, err
		case <-time.After(patience):
		}
	}
	b.conn.abort()
	return false, <-b.sending
}
