package costest

import (
	"crypto/md5" // #nosec G501 -- COS's checksums are MD5
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/crc64"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (b *Bucket) put(w http.ResponseWriter, r *request) {
	if !md5Matches(r) {
		b.fail(w, r.Request, errInvalidDigest)
		return
	}
	if b.forbidden(r) {
		b.fail(w, r.Request, errFileAlreadyExists)
		return
	}
	o := b.store(r.key, r.body, r.Header, etag(r.body))
	describe(w.Header(), o)
}

func (b *Bucket) get(w http.ResponseWriter, r *request) {
	o := b.objects[r.key]
	if o == nil {
		b.fail(w, r.Request, errNoSuchKey)
		return
	}
	describe(w.Header(), o)
	w.Header().Set("Last-Modified", o.modified.UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Length", strconv.Itoa(len(o.data)))
	for name, values := range o.header {
		if name == "Content-Type" || strings.HasPrefix(name, "X-Cos-Meta-") {
			w.Header()[name] = slices.Clone(values)
		}
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/octet-stream")
	}
	// To a HEAD nothing is written; the client may have gone.
	_, _ = w.Write(o.data)
}

// delete answers 204 whether there was an object or not, as COS does.
func (b *Bucket) delete(w http.ResponseWriter, r *request) {
	delete(b.objects, r.key)
	w.WriteHeader(http.StatusNoContent)
}

// deleteVersion deletes an object if that version of it is the latest; older ones are not kept.
func (b *Bucket) deleteVersion(w http.ResponseWriter, r *request) {
	id := r.query.Get("versionId")
	if o := b.objects[r.key]; o == nil || id == "" || o.version != id {
		b.fail(w, r.Request, errNoSuchVersion)
		return
	}
	w.Header().Set("X-Cos-Version-Id", id)
	b.delete(w, r)
}

// forbidden reports whether the client wants no object overwritten, and there is one.
func (b *Bucket) forbidden(r *request) bool {
	return !b.versioned && b.objects[r.key] != nil && r.Header.Get("X-Cos-Forbid-Overwrite") == "true"
}

func (b *Bucket) store(key string, data []byte, header http.Header, etag string) *object {
	o := &object{data: data, header: header.Clone(), etag: etag, modified: b.clock()}
	o.header.Del("Authorization")
	if b.versioned {
		o.version = fmt.Sprintf("version-%d", b.requests)
	}
	b.objects[key] = o
	b.puts[key]++
	return o
}

// describe sets the headers that tell what an object is.
func describe(h http.Header, o *object) {
	if o.version != "" {
		h.Set("X-Cos-Version-Id", o.version)
	}
	h.Set("ETag", o.etag)
	h.Set("X-Cos-Hash-Crc64ecma", checksum(o.data))
	if sse := o.header.Get("X-Cos-Server-Side-Encryption"); sse != "" {
		h.Set("X-Cos-Server-Side-Encryption", sse)
	}
}

var crcTable = crc64.MakeTable(crc64.ECMA)

func checksum(data []byte) string {
	return strconv.FormatUint(crc64.Checksum(data, crcTable), 10)
}

func etag(data []byte) string {
	sum := md5.Sum(data) // #nosec G401 -- COS's checksums are MD5
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func md5Matches(r *request) bool {
	sum := md5.Sum(r.body) // #nosec G401 -- COS's checksums are MD5
	sent := r.Header.Get("Content-Md5")
	return sent == "" || sent == base64.StdEncoding.EncodeToString(sum[:])
}
