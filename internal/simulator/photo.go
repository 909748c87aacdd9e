package simulator

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

// photoFields are the photos of each kind of document, and the video of a face.
var photoFields = map[string][]string{
	bankCard: {"bankcardCropPhoto", "bankcardNoPhoto", "originBankcardPhoto"},
	idCard:   {"frontPhoto", "backPhoto", "frontCrop", "backCrop", "headPhoto"},
	face:     {"photo", "video"},
}

// cropFields are those that the vendor may leave empty.
var cropFields = []string{"bankcardCropPhoto", "bankcardNoPhoto", "frontCrop", "backCrop"}

const (
	hugePhoto = 3 << 20   // bytes of each photo of a huge document, before Base64
	blockSize = 48 * 1024 // divisible by 3, so that blocks of Base64 can follow one another
)

// photos makes what every photo is made of, once and on demand: an image for
// each field and a block of padding.
type photos struct {
	image   map[string]func() []byte // JPEG by field
	padding func() []byte            // blockSize bytes
	encoded func() []byte            // the padding as Base64
}

func newPhotos() photos {
	p := photos{image: map[string]func() []byte{}}
	for _, kind := range []string{bankCard, idCard, face} {
		for i, name := range photoFields[kind] {
			tint := color.RGBA{R: uint8(40 * i), G: uint8(200 - 30*i), B: uint8(16 * len(kind)), A: 255}
			p.image[name] = sync.OnceValue(func() []byte { return gradient(tint) })
		}
	}
	p.image["video"] = func() []byte { return []byte(emptyVideo) }
	p.padding = sync.OnceValue(padding)
	p.encoded = sync.OnceValue(func() []byte { return base64.StdEncoding.AppendEncode(nil, p.padding()) })
	return p
}

// emptyVideo is the first box of an MP4, which is enough to tell that it is one.
const emptyVideo = "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"

// gradient draws a JPEG of a card's proportions.
func gradient(tint color.RGBA) []byte {
	const width, height = 240, 150
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.SetRGBA(x, y, color.RGBA{R: tint.R + uint8(x/4), G: tint.G - uint8(y/3), B: tint.B + uint8(x/8), A: 255})
		}
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, nil) // fails on images beyond 65535 pixels only
	return b.Bytes()
}

// padding returns bytes that do not compress, the same in every process.
func padding() []byte {
	source := rand.NewChaCha8([32]byte{})
	b := make([]byte, blockSize)
	_, _ = source.Read(b) // never fails, by its documentation
	return b
}

// picture is one photo of one order: a JPEG, and how many bytes of padding
// follow it. An empty picture has neither.
type picture struct {
	name string
	jpeg []byte // of a video, MP4
	pad  int
}

// pictures returns the photos of a document.
func (s *Simulator) pictures(kind, orderNo string, sh shape) []picture {
	names := photoFields[kind]
	size := 0
	if sh.huge {
		size = hugePhoto
		if n := hugeMegabytes(orderNo); n > 0 {
			size = n << 20 / len(names) / 4 * 3
		}
	}
	list := make([]picture, len(names))
	for i, name := range names {
		list[i].name = name
		if sh.noCrops && slices.Contains(cropFields, name) {
			continue
		}
		if sh.noFiles || sh.noVideo && name == "video" {
			continue
		}
		list[i].jpeg = label(s.photos.image[name](), orderNo)
		list[i].pad = max(0, size-len(list[i].jpeg))
	}
	return list
}

// label marks a file with the order number, so that the files of two orders differ, and
// puts zeros behind its end that make its length divisible by 3, so that Base64 can be
// continued after it.
func label(file []byte, orderNo string) []byte {
	var b []byte
	if string(file[4:8]) == "ftyp" {
		b = append(slices.Clone(file), 0, 0, 0, byte(8+len(orderNo)))
		b = append(append(b, "free"...), orderNo...)
	} else {
		const marker = 2 // bytes of the SOI marker, after which a COM segment may stand
		b = append(b, file[:marker]...)
		b = append(b, 0xFF, 0xFE, 0, byte(2+len(orderNo))) // its length counts itself
		b = append(b, orderNo...)
		b = append(b, file[marker:]...)
	}
	for len(b)%3 != 0 {
		b = append(b, 0)
	}
	return b
}

// blank returns the same photos without content.
func blank(list []picture) []picture {
	for i := range list {
		list[i] = picture{name: list[i].name}
	}
	return list
}

// encode appends the photo as Base64.
func (pic picture) encode(b *body, p *photos) {
	b.text(base64.StdEncoding.EncodeToString(pic.jpeg))
	rest := pic.pad
	for ; rest >= blockSize; rest -= blockSize {
		b.share(p.encoded())
	}
	if rest > 0 {
		b.text(base64.StdEncoding.EncodeToString(p.padding()[:rest]))
	}
}

// escaped returns the photo, which has no padding, as Base64 in a JSON string
// with its slashes escaped.
func (pic picture) escaped() string {
	return strings.ReplaceAll(base64.StdEncoding.EncodeToString(pic.jpeg), "/", `\/`)
}

// raw returns the photo's bytes.
func (pic picture) raw(p *photos) []byte {
	b := slices.Clone(pic.jpeg)
	for rest := pic.pad; rest > 0; rest -= blockSize {
		b = append(b, p.padding()[:min(rest, blockSize)]...)
	}
	return b
}

// Photos returns the photos that an order's answer carries in the end with
// all files, by field name and before Base64. Empty ones are left out. kind is
// "bankcard", "idcard" or "face". There are none if the scenario never answers with a
// whole document.
func (s *Simulator) Photos(kind, orderNo string) map[string][]byte {
	sc := scenarioFor(ResultCall, orderNo)
	found := map[string][]byte{}
	if sc.fault != nil || sc.code(kind) != "" && sc.failures == 0 || sc.shape.noRecord {
		return found
	}
	for _, pic := range s.pictures(kind, orderNo, sc.shape) {
		if len(pic.jpeg) > 0 {
			found[pic.name] = pic.raw(&s.photos)
		}
	}
	return found
}
