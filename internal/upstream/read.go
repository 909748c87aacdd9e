package upstream

import (
	"errors"
	"io"
	"net/http"
)

// Memory lends the memory that an answer is read into. Nothing has been read when it
// refuses: what the other side sends waits in the network meanwhile.
type Memory interface {
	// Take returns n bytes, or false where so many are not left.
	Take(n int) ([]byte, bool)
	// Give says that n of the bytes that were taken are used no more.
	Give(n int)
}

var (
	errTooLarge = errors.New("too large")
	errCrowded  = errors.New("no memory left")
)

func (k *round) take(n int) ([]byte, error) {
	if k.memory == nil {
		return make([]byte, n), nil
	}
	b, ok := k.memory.Take(n)
	if !ok {
		return nil, errCrowded
	}
	k.taken += n
	return b, nil
}

func (k *round) give(n int) {
	if n > 0 {
		k.memory.Give(n)
		k.taken -= n
	}
}

// read reads the body behind the room left for it, into a buffer of its size where that
// is announced.
func (k *round) read(response *http.Response) (buffer []byte, err error) {
	if response.ContentLength > int64(k.limit) {
		return nil, errTooLarge
	}
	if response.ContentLength < 0 {
		return k.gather(response.Body)
	}
	if buffer, err = k.take(k.room + int(response.ContentLength)); err != nil {
		return nil, err
	}
	_, err = io.ReadFull(response.Body, buffer[k.room:])
	return buffer, err
}

// The chunks of gather: the first holds an answer without photos, the last wastes
// little of a large one.
const (
	firstChunk = 16 << 10
	maxChunk   = 4 << 20
)

// gather reads a body of unknown size. A buffer that doubles would take up to three
// times the answer while it grows; chunks that are joined take twice, and one is the
// answer.
func (k *round) gather(r io.Reader) ([]byte, error) {
	var chunks [][]byte
	size, at, total := firstChunk, k.room, 0
	for {
		chunk, err := k.take(at + size)
		if err != nil {
			return nil, err
		}
		n := at
		for n < len(chunk) && err == nil {
			var more int
			more, err = r.Read(chunk[n:])
			n += more
		}
		total += n - at
		chunks = append(chunks, chunk[:n])
		switch {
		case total > k.limit:
			return nil, errTooLarge
		case err == io.EOF:
			return k.join(chunks, k.room+total)
		case err != nil:
			return nil, err
		}
		size, at = min(2*size, maxChunk), 0
	}
}

func (k *round) join(chunks [][]byte, size int) ([]byte, error) {
	if len(chunks) == 1 {
		return chunks[0], nil
	}
	apart := k.taken
	whole, err := k.take(size)
	if err != nil {
		return nil, err
	}
	n := 0
	for _, chunk := range chunks {
		n += copy(whole[n:], chunk)
	}
	k.give(apart)
	return whole, nil
}
