package simulator

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"
)

// document is a result that was found.
type document struct {
	kind     string
	appID    string
	orderNo  string
	shape    shape
	now      time.Time
	pictures []picture // none without get_file
	code     string    // of a face verification; "" = 0
	detailed bool      // a face verification with all that is known of it
	uploaded string    // the face id
	domain   string    // that goes with it; "" = none
}

// field is one text of a result, in the order of the vendor's examples. Values
// need no JSON escapes.
type field struct{ name, value string }

// bizSeqNo returns a serial number of the vendor's form: 32 digits that begin
// with the date.
func bizSeqNo(t time.Time) string {
	t = t.In(china)
	return fmt.Sprintf("%s200011844126%s%08d", t.Format("060102"), t.Format("150405"), rand.IntN(100_000_000)) // #nosec G404 -- a serial number, and no secret
}

// body encodes the document. The order of members is that of the vendor's
// examples, except for the odd one.
func (d *document) body(p *photos) body {
	biz, at := bizSeqNo(d.now), stamp(d.now)
	if d.shape.odd {
		return d.oddBody(p, biz, at)
	}
	var b body
	switch {
	case d.shape.noCode:
		b.text(`{`)
	case d.shape.numericCode, d.kind == photoInfo, d.kind == h5FaceID:
		b.text(`{"code":` + cmp.Or(d.code, "0") + `,`)
	default:
		b.text(`{"code":"` + cmp.Or(d.code, "0") + `",`)
	}
	b.text(`"msg":"请求成功","bizSeqNo":"` + biz + `","result":{"bizSeqNo":"` + biz + `","transactionTime":"` + at + `",`)
	for _, f := range d.fields() {
		b.text(`"` + f.name + `":"` + f.value + `",`)
	}
	if d.kind == photoInfo {
		d.photoList(&b, p)
	} else {
		for _, pic := range d.pictures {
			b.text(`"` + pic.name + `":"`)
			pic.encode(&b, p)
			b.text(`",`)
		}
	}
	b.text(`"success":false},"transactionTime":"` + at + `"}`)
	return b
}

// oddBody is valid JSON that a careless reader gets wrong: "code" comes last
// and again inside, slashes are escaped as older libraries do, and numbers do
// not survive a float64.
func (d *document) oddBody(p *photos, biz, at string) body {
	var b body
	b.text("\r\n{ \"transactionTime\" :\t\"" + at + "\",\n" +
		`  "msg" : "\u8bf7\u6c42\u6210\u529f \/ \"ok\" \\ \ud83d\ude00",` + "\n" +
		`  "future" : { "code" : "400101", "list" : [ null, true, [ ], { } ], "text" : "{\"code\":\"999999\"}" },` + "\n" +
		`  "ratio" : 1.50e+3, "serial" : 12345678901234567890, "zero" : -0.0,` + "\n" +
		`  "result" : {` + "\n" + `    "success" : false , "code" : "15", "remark" : "\u4e2d\u6587\/\t<&>` + "\u2028" + `",` + "\n")
	for _, pic := range d.pictures {
		b.text(`    "` + pic.name + `" : "` + pic.escaped() + `" ,` + "\n")
	}
	for _, f := range d.fields() {
		b.text(`    "` + f.name + `" : "` + f.value + `",` + "\n")
	}
	b.text(`    "bizSeqNo" : "` + biz + "\"\n  },\n  \"bizSeqNo\":\"" + biz + "\" ,\n\n  \"code\" : \"" + cmp.Or(d.code, "0") + "\"\r\n}\r\n")
	return b
}

// photoList appends the one photo, or null.
func (d *document) photoList(b *body, p *photos) {
	if len(d.pictures) == 0 || len(d.pictures[0].jpeg) == 0 {
		b.text(`"photoList":null,`)
		return
	}
	b.text(`"photoList":["`)
	d.pictures[0].encode(b, p)
	b.text(`"],`)
}

func (d *document) fields() []field {
	switch d.kind {
	case bankCard:
		return d.bankCardFields()
	case idCard:
		return d.idCardFields()
	case face, oldFace, willFace, photoInfo:
		return d.faceFields()
	case faceID, h5FaceID, certificate:
		return d.uploadFields()
	}
	return d.pictureFields()
}

func (d *document) bankCardFields() []field {
	warn, multi := "0", "0"
	if d.shape.warned {
		warn, multi = "-9110", "[-9110,-9111]"
	}
	return []field{
		{"orderNo", d.orderNo},
		{"bankCardNo", "62220000" + d.digits(11)},
		{"bankCardValidDate", "12/2034"},
		{"warnCode", warn},
		{"multiWarnCode", multi},
		{"operateTime", d.operateTime()},
		{"clarity", "79"},
	}
}

// idCardFields describes a person of a region, 000000, that does not exist.
func (d *document) idCardFields() []field {
	warn, multi := "0", "00000000"
	if d.shape.warned {
		warn, multi = "66661009", "01000000"
	}
	return []field{
		{"orderNo", d.orderNo},
		{"frontCode", "0"},
		{"backCode", "0"},
		{"name", "张三"},
		{"sex", "男"},
		{"nation", "汉"},
		{"birth", "19900101"},
		{"address", "某省某市某路1号"},
		{"idcard", "00000019900101" + d.digits(3) + "X"},
		{"validDate", "20200101-20400101"},
		{"authority", "某市公安局"},
		{"frontWarnCode", warn},
		{"backWarnCode", "0"},
		{"frontMultiWarning", multi},
		{"backMultiWarning", "00000000"},
		{"frontClarity", "79"},
		{"backClarity", "81"},
		{"operateTime", d.operateTime()},
	}
}

// operateTime is a little before the query.
func (d *document) operateTime() string {
	return d.now.Add(-8 * time.Second).In(china).Format("2006-01-02 15:04:05")
}

// digits returns n digits that depend on the order number alone.
func (d *document) digits(n int) string {
	sum := sha256.Sum256([]byte(d.orderNo))
	all := fmt.Sprintf("%020d", binary.BigEndian.Uint64(sum[:]))
	return all[len(all)-n:]
}
