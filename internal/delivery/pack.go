package delivery

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
)

// Span is where a photo stands in a result: its JSON string, with the quotes.
type Span struct {
	Field    string
	From, To int
}

// Photo is a photo, or the video, of a result. Its bytes are decoded whenever they are read: they are
// never held.
type Photo struct {
	Field string
	Size  int64
	Sum   [sha256.Size]byte

	text []byte // Base64, as a part of the result
}

// isVideo reports whether it is the video of a face verification, an MP4 (document 1007/35880).
func (p Photo) isVideo() bool { return p.Field == "video" }

func (p Photo) file() string {
	if p.isVideo() {
		return p.Field + ".mp4"
	}
	return p.Field + ".jpg"
}

func (p Photo) blob() blob {
	kind := "image/jpeg"
	if p.isVideo() {
		kind = "video/mp4"
	}
	return blob{p.Size, p.Sum, kind, func() io.Reader { return newDecoder(p.text) }}
}

// Packed is a result in the form that it is delivered in. It shares the memory of the
// result.
type Packed struct {
	Photos []Photo

	document []byte
}

// Pack takes the photos out of a result, which is JSON as the upstream sent it. All the
// rest stays as it is, and so does a photo that is empty or cannot be decoded.
func Pack(result []byte, spans []Span) *Packed {
	spans = slices.SortedFunc(slices.Values(spans), func(a, b Span) int { return a.From - b.From })
	p := &Packed{}
	size := len(result)
	for _, s := range spans {
		photo, ok := measure(s.Field, result[s.From+1:s.To-1])
		if ok {
			size -= s.To - s.From - 160 // more than what stands for a photo has
			p.Photos = append(p.Photos, photo)
		}
	}
	document, photos, at := make([]byte, 0, max(size, 0)), p.Photos, 0
	for _, s := range spans {
		if len(photos) == 0 || photos[0].Field != s.Field {
			continue
		}
		document = append(document, result[at:s.From]...)
		document = fmt.Appendf(document, `{"file":"%s","bytes":%d,"sha256":"%x"}`, photos[0].file(), photos[0].Size, photos[0].Sum)
		at, photos = s.To, photos[1:]
	}
	p.document = append(document, result[at:]...)
	return p
}

// measure decodes a photo once, for its size and hash.
func measure(field string, text []byte) (Photo, bool) {
	hash := sha256.New()
	size, err := io.Copy(hash, newDecoder(text))
	p := Photo{Field: field, Size: size, text: text}
	hash.Sum(p.Sum[:0])
	return p, err == nil && size > 0
}

// blob is content of a known size and hash, that can be read more than once. Its
// readers do not seek: see cosArchive.write.
type blob struct {
	size int64
	sum  [sha256.Size]byte
	kind string // Content-Type
	open func() io.Reader
}

func jsonBlob(data []byte) blob {
	return blob{int64(len(data)), sha256.Sum256(data), "application/json", func() io.Reader { return struct{ io.Reader }{bytes.NewReader(data)} }}
}
