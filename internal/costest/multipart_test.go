package costest_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/tencentyun/cos-go-sdk-v5"
)

func TestMultipart(t *testing.T) {
	b, c := start(t, config)
	ctx := t.Context()
	const key = "big/one"
	first, second := bytes.Repeat([]byte("x"), 1<<20), []byte("end")

	begin := func() string {
		t.Helper()
		begun, _, err := c.Object.InitiateMultipartUpload(ctx, key, &cos.InitiateMultipartUploadOptions{
			ObjectPutHeaderOptions: &cos.ObjectPutHeaderOptions{ContentType: "image/jpeg"},
		})
		if err != nil || begun.Key != key || begun.Bucket != config.Name {
			t.Fatalf("%+v, %v", begun, err)
		}
		return begun.UploadID
	}
	send := func(id string, parts ...[]byte) (list []cos.Object) {
		t.Helper()
		for i, part := range parts {
			response, err := c.Object.UploadPart(ctx, key, id, i+1, bytes.NewReader(part), nil)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, cos.Object{PartNumber: i + 1, ETag: response.Header.Get("ETag")})
		}
		return list
	}
	complete := func(id string, parts []cos.Object) error {
		_, _, err := c.Object.CompleteMultipartUpload(ctx, key, id, &cos.CompleteMultipartUploadOptions{Parts: parts, XOptionHeader: forbidOverwrite()})
		return err
	}

	id := begin()
	parts := send(id, first, second)
	wantError(t, complete(id, []cos.Object{parts[1], parts[0]}), 400, "InvalidPart")
	wantError(t, complete(id, []cos.Object{parts[0], parts[0]}), 400, "InvalidPartOrder")
	wantError(t, complete(id, []cos.Object{parts[0], {PartNumber: 2, ETag: `"0"`}}), 400, "InvalidPart")
	wantError(t, complete("nobody", parts), 404, "NoSuchUpload")
	if len(b.Objects()) != 0 {
		t.Error("an incomplete upload is an object")
	}
	if err := complete(id, parts); err != nil {
		t.Fatal(err)
	}
	o := b.Objects()[key]
	if !bytes.Equal(o.Data, append(first, second...)) || o.Header.Get("Content-Type") != "image/jpeg" || o.Puts != 1 {
		t.Errorf("%d bytes, %v, %d puts", len(o.Data), o.Header, o.Puts)
	}
	wantError(t, complete(id, parts), 404, "NoSuchUpload")

	id = begin()
	wantError(t, complete(id, send(id, second)), 409, "FileAlreadyExists")
	if _, err := c.Object.AbortMultipartUpload(ctx, key, id); err != nil {
		t.Error(err)
	}
	_, err := c.Object.AbortMultipartUpload(ctx, key, id)
	wantError(t, err, 404, "NoSuchUpload")
	id = begin()
	wantError(t, complete(id, send(id, second, second)), 400, "EntityTooSmall")
	wantNoViolations(t, b)
}

func TestUploadOfTheSDK(t *testing.T) {
	b, c := start(t, config)
	data := bytes.Repeat([]byte("0123456789abcdef"), 3<<16) // three parts of 1 MB
	file := t.TempDir() + "/photo"
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Object.Upload(t.Context(), "photo", file, &cos.MultiUploadOptions{PartSize: 1, ThreadPoolSize: 2}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Objects()["photo"].Data, data) {
		t.Error("other data")
	}
	wantNoViolations(t, b)
}
