package costest

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

type listResult struct {
	XMLName        xml.Name `xml:"ListBucketResult"`
	Name           string
	EncodingType   string `xml:",omitempty"`
	Prefix         string
	Marker         string
	MaxKeys        int
	Delimiter      string `xml:",omitempty"`
	IsTruncated    bool
	NextMarker     string `xml:",omitempty"`
	Contents       []listed
	CommonPrefixes []commonPrefix
}

type listed struct {
	Key          string
	LastModified string
	ETag         string
	Size         int
	StorageClass string
}

type commonPrefix struct{ Prefix string }

// list is GET Bucket: keys in byte order, after the marker.
func (b *Bucket) list(w http.ResponseWriter, r *request) {
	const most = 1000
	limit := most
	if r.query.Has("max-keys") {
		n, err := strconv.Atoi(r.query.Get("max-keys"))
		if err != nil || n < 1 || n > most {
			b.violate(r.Request, "max-keys is not 1 to 1000")
			b.fail(w, r.Request, errInvalidArgument)
			return
		}
		limit = n
	}
	encode := func(s string) string { return s }
	switch r.query.Get("encoding-type") {
	case "":
	case "url":
		encode = escape
	default:
		b.violate(r.Request, "encoding-type is not url")
		b.fail(w, r.Request, errInvalidArgument)
		return
	}

	prefix, marker, delimiter := r.query.Get("prefix"), r.query.Get("marker"), r.query.Get("delimiter")
	result := listResult{
		Name:         b.config.Name,
		EncodingType: r.query.Get("encoding-type"),
		Prefix:       encode(prefix),
		Marker:       encode(marker),
		MaxKeys:      limit,
		Delimiter:    encode(delimiter),
	}
	last := ""
	for _, key := range b.keys() {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		entry, folded := fold(key, prefix, delimiter)
		if entry <= marker || folded && entry == last {
			continue
		}
		if limit == 0 {
			result.IsTruncated, result.NextMarker = true, encode(last)
			break
		}
		limit--
		last = entry
		if folded {
			result.CommonPrefixes = append(result.CommonPrefixes, commonPrefix{encode(entry)})
			continue
		}
		o := b.objects[key]
		result.Contents = append(result.Contents, listed{
			Key:          encode(key),
			LastModified: o.modified.UTC().Format("2006-01-02T15:04:05.000Z"),
			ETag:         o.etag,
			Size:         len(o.data),
			StorageClass: "STANDARD",
		})
	}
	writeXML(w, http.StatusOK, result)
}

// fold shortens key to its part up to the delimiter after prefix, if it has one.
func fold(key, prefix, delimiter string) (entry string, folded bool) {
	if delimiter == "" {
		return key, false
	}
	i := strings.Index(key[len(prefix):], delimiter)
	if i < 0 {
		return key, false
	}
	return key[:len(prefix)+i+len(delimiter)], true
}

func (b *Bucket) keys() []string {
	keys := make([]string, 0, len(b.objects))
	for key := range b.objects {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
