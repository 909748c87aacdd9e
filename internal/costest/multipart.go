package costest

import (
	"crypto/md5" // #nosec G501 -- COS's checksums are MD5
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// minPart is the least size of a part, but for the last one (document 436/7750).
const minPart = 1 << 20

// upload is a multipart upload in progress.
type upload struct {
	key    string
	header http.Header
	parts  map[int][]byte
}

func (b *Bucket) initiate(w http.ResponseWriter, r *request) {
	if b.forbidden(r) {
		b.fail(w, r.Request, errFileAlreadyExists)
		return
	}
	id := fmt.Sprintf("upload-%d", b.requests)
	b.uploads[id] = &upload{r.key, r.Header.Clone(), map[int][]byte{}}
	writeXML(w, http.StatusOK, struct {
		XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
		Bucket   string
		Key      string
		UploadID string `xml:"UploadId"`
	}{Bucket: b.config.Name, Key: r.key, UploadID: id})
}

func (b *Bucket) uploadPart(w http.ResponseWriter, r *request) {
	u := b.upload(r)
	if u == nil {
		b.fail(w, r.Request, errNoSuchUpload)
		return
	}
	number, err := strconv.Atoi(r.query.Get("partNumber"))
	if err != nil || number < 1 || number > 10000 {
		b.violate(r.Request, "partNumber is not 1 to 10000")
		b.fail(w, r.Request, errInvalidArgument)
		return
	}
	if !md5Matches(r) {
		b.fail(w, r.Request, errInvalidDigest)
		return
	}
	u.parts[number] = r.body
	w.Header().Set("ETag", etag(r.body))
	w.Header().Set("X-Cos-Hash-Crc64ecma", checksum(r.body))
}

func (b *Bucket) complete(w http.ResponseWriter, r *request) {
	u := b.upload(r)
	if u == nil {
		b.fail(w, r.Request, errNoSuchUpload)
		return
	}
	if !md5Matches(r) {
		b.fail(w, r.Request, errInvalidDigest)
		return
	}
	var order struct {
		XMLName xml.Name `xml:"CompleteMultipartUpload"`
		Part    []struct {
			PartNumber int
			ETag       string
		}
	}
	if xml.Unmarshal(r.body, &order) != nil || len(order.Part) == 0 {
		b.fail(w, r.Request, errMalformedXML)
		return
	}
	var data []byte
	sums := md5.New() // #nosec G401 -- COS's checksums are MD5
	for i, part := range order.Part {
		content, ok := u.parts[part.PartNumber]
		switch {
		case i > 0 && part.PartNumber <= order.Part[i-1].PartNumber:
			b.fail(w, r.Request, errInvalidPartOrder)
			return
		case !ok || part.PartNumber != i+1 || strings.Trim(part.ETag, `"`) != strings.Trim(etag(content), `"`):
			b.fail(w, r.Request, errInvalidPart)
			return
		case i < len(order.Part)-1 && len(content) < minPart:
			b.fail(w, r.Request, errEntityTooSmall)
			return
		}
		sum := md5.Sum(content) // #nosec G401 -- COS's checksums are MD5
		sums.Write(sum[:])
		data = append(data, content...)
	}
	if b.forbidden(r) {
		b.fail(w, r.Request, errFileAlreadyExists)
		return
	}
	delete(b.uploads, r.query.Get("uploadId"))
	tag := fmt.Sprintf(`"%s-%d"`, hex.EncodeToString(sums.Sum(nil)), len(order.Part))
	o := b.store(u.key, data, u.header, tag)
	describe(w.Header(), o)
	writeXML(w, http.StatusOK, struct {
		XMLName  xml.Name `xml:"CompleteMultipartUploadResult"`
		Location string
		Bucket   string
		Key      string
		ETag     string
	}{Location: r.Host + "/" + u.key, Bucket: b.config.Name, Key: u.key, ETag: tag})
}

func (b *Bucket) abort(w http.ResponseWriter, r *request) {
	if b.upload(r) == nil {
		b.fail(w, r.Request, errNoSuchUpload)
		return
	}
	delete(b.uploads, r.query.Get("uploadId"))
	w.WriteHeader(http.StatusNoContent)
}

// upload returns the upload that r belongs to, or nil.
func (b *Bucket) upload(r *request) *upload {
	if u := b.uploads[r.query.Get("uploadId")]; u != nil && u.key == r.key {
		return u
	}
	return nil
}
