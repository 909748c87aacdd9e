package delivery

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"
)

// span finds the value of a field, which is there once.
func span(t *testing.T, result, field string) Span {
	t.Helper()
	_, after, ok := strings.Cut(result, `"`+field+`"`)
	if !ok {
		t.Fatalf("no %s", field)
	}
	from := strings.Index(after, `"`) + len(result) - len(after)
	to := strings.Index(result[from+1:], `"`) + from + 2
	return Span{field, from, to}
}

func reference(field string, photo []byte) string {
	return fmt.Sprintf(`{"file":"%s.jpg","bytes":%d,"sha256":"%x"}`, field, len(photo), sha256.Sum256(photo))
}

func TestPack(t *testing.T) {
	front, back := []byte("the front, which needs a slash: \xff\xff\xff"), bytes.Repeat([]byte{0xff, 0xd8}, 50_000)
	encode := base64.StdEncoding.EncodeToString
	const odd = "\r\n{ \"ratio\" : 1.50e+3,\t\"serial\":12345678901234567890, \"zero\" : -0.0 , \"msg\":\"\\u8bf7\\/ <&>\u2028\",\n" +
		`  "result" : { "backPhoto":"%s" , "frontCrop":"", "headPhoto" : "%s",` + "\n" + `  "frontPhoto" : "%s" }, "code" : "0"}` + "\r\n"
	const broken = "data:image/jpeg;base64,AAAA"
	result := fmt.Sprintf(odd, encode(back), broken, strings.ReplaceAll(encode(front), "/", `\/`))
	// The spans come in any order.
	packed := Pack([]byte(result), []Span{span(t, result, "frontPhoto"), span(t, result, "headPhoto"), span(t, result, "backPhoto"), span(t, result, "frontCrop")})

	want := strings.NewReplacer(`"%s" , "frontCrop"`, reference("backPhoto", back)+` , "frontCrop"`,
		`: "%s" }`, `: `+reference("frontPhoto", front)+` }`, "%s", broken).Replace(odd)
	if got := string(packed.document); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(packed.Photos) != 2 {
		t.Fatalf("%d photos", len(packed.Photos))
	}
	for i, want := range [][]byte{back, front} {
		blob := packed.Photos[i].blob()
		for range 2 { // it can be read again
			got, err := io.ReadAll(blob.open())
			if err != nil || !bytes.Equal(got, want) || blob.size != int64(len(want)) || blob.sum != sha256.Sum256(want) {
				t.Errorf("%s: %d bytes, %v", packed.Photos[i].Field, len(got), err)
			}
		}
	}
}

func TestPackNothing(t *testing.T) {
	const result = ` {"code":"-9012"} `
	packed := Pack([]byte(result), nil)
	if string(packed.document) != result || packed.Photos != nil {
		t.Errorf("%q, %v", packed.document, packed.Photos)
	}
}

// A large photo is not copied, neither by packing nor by reading.
func TestPackAllocatesLittle(t *testing.T) {
	result := `{"result":{"frontPhoto":"` + strings.Repeat("/9j/", 4<<20) + `"}}`
	spans := []Span{span(t, result, "frontPhoto")}
	body := []byte(result)
	bench := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			packed := Pack(body, spans)
			if _, err := io.Copy(io.Discard, struct{ io.Reader }{packed.Photos[0].blob().open()}); err != nil {
				b.Fatal(err)
			}
		}
	})
	if got := bench.AllocedBytesPerOp(); got > 256<<10 {
		t.Errorf("%d bytes for a photo of 12 MB", got)
	}
}
