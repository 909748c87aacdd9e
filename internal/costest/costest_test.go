package costest_test

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tencentyun/cos-go-sdk-v5"
	"go.uber.org/goleak"

	"kyc-ocr-relay/internal/costest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestObject(t *testing.T) {
	b, c := start(t, config)
	ctx := t.Context()
	const key = "app/身份证 (1)+~!*'.json"
	sum := md5.Sum([]byte("first"))
	response, err := c.Object.Put(ctx, key, strings.NewReader("first"), &cos.ObjectPutOptions{
		ACLHeaderOptions: &cos.ACLHeaderOptions{XCosACL: "private"},
		ObjectPutHeaderOptions: &cos.ObjectPutHeaderOptions{
			ContentType:              "application/json",
			ContentMD5:               base64.StdEncoding.EncodeToString(sum[:]),
			XCosServerSideEncryption: "AES256",
			XOptionHeader:            forbidOverwrite(),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := response.Header.Get("ETag"), fmt.Sprintf(`"%x"`, sum); got != want {
		t.Errorf("ETag %s, want %s", got, want)
	}
	if response.Header.Get("X-Cos-Request-Id") == "" || response.Header.Get("Date") == "" {
		t.Errorf("header lacks the request id or the date: %v", response.Header)
	}
	if got := content(t, c, key); got != "first" {
		t.Errorf("content %q", got)
	}
	if response, err = c.Object.Head(ctx, key, nil); err != nil {
		t.Fatal(err)
	}
	if response.ContentLength != 5 || response.Header.Get("Content-Type") != "application/json" || response.Header.Get("Last-Modified") == "" {
		t.Errorf("HEAD: %v", response.Header)
	}

	_, err = c.Object.Put(ctx, key, strings.NewReader("second"), &cos.ObjectPutOptions{
		ObjectPutHeaderOptions: &cos.ObjectPutHeaderOptions{XOptionHeader: forbidOverwrite()},
	})
	wantError(t, err, 409, "FileAlreadyExists")
	if got := content(t, c, key); got != "first" {
		t.Errorf("content %q after a forbidden overwrite", got)
	}
	if _, err = c.Object.Put(ctx, key, strings.NewReader("third"), nil); err != nil {
		t.Fatal(err)
	}
	o := b.Objects()[key]
	if string(o.Data) != "third" || o.Key != key || o.Puts != 2 || o.Header.Get("Authorization") != "" {
		t.Errorf("object %+v", o)
	}
	if ok, err := c.Object.IsExist(ctx, key); err != nil || !ok {
		t.Errorf("IsExist: %v, %v", ok, err)
	}
	for range 2 { // deleting nothing is a success as well
		if _, err := c.Object.Delete(ctx, key); err != nil {
			t.Fatal(err)
		}
	}
	_, err = c.Object.Get(ctx, key, nil)
	wantError(t, err, 404, "NoSuchKey")
	if ok, err := c.Object.IsExist(ctx, key); err != nil || ok {
		t.Errorf("IsExist: %v, %v", ok, err)
	}
	if len(b.Objects()) != 0 {
		t.Error("not empty")
	}
	wantNoViolations(t, b)
}

func TestWrongDigest(t *testing.T) {
	b, c := start(t, config)
	_, err := c.Object.Put(t.Context(), "k", strings.NewReader("data"), &cos.ObjectPutOptions{
		ObjectPutHeaderOptions: &cos.ObjectPutHeaderOptions{ContentMD5: "AAAAAAAAAAAAAAAAAAAAAA=="},
	})
	wantError(t, err, 400, "InvalidDigest")
	if len(b.Objects()) != 0 {
		t.Error("stored all the same")
	}
}

func TestForbidOverwriteHasOneWinner(t *testing.T) {
	b, c := start(t, config)
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, err := c.Object.Put(context.Background(), "k", strings.NewReader(fmt.Sprint(i)), &cos.ObjectPutOptions{
				ObjectPutHeaderOptions: &cos.ObjectPutHeaderOptions{XOptionHeader: forbidOverwrite()},
			})
			if err == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || b.Objects()["k"].Puts != 1 {
		t.Errorf("%d winners, %d puts", won.Load(), b.Objects()["k"].Puts)
	}
}

func TestList(t *testing.T) {
	b, c := start(t, config)
	keys := []string{"a", "a b", "a/1", "a/2", "a/b/3", "b", "中文/1"}
	for _, key := range keys {
		if _, err := c.Object.Put(t.Context(), key, strings.NewReader(key), nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		opt  cos.BucketGetOptions
		want []string
	}{
		{"all", cos.BucketGetOptions{}, keys},
		{"encoded", cos.BucketGetOptions{EncodingType: "url"}, keys},
		{"prefix", cos.BucketGetOptions{Prefix: "a/"}, []string{"a/1", "a/2", "a/b/3"}},
		{"marker", cos.BucketGetOptions{Marker: "a/2"}, []string{"a/b/3", "b", "中文/1"}},
		{"pages", cos.BucketGetOptions{MaxKeys: 2}, keys},
		{"folders", cos.BucketGetOptions{Delimiter: "/"}, []string{"a", "a b", "a/", "b", "中文/"}},
		{"folders, pages of one", cos.BucketGetOptions{Delimiter: "/", MaxKeys: 1, EncodingType: "url"}, []string{"a", "a b", "a/", "b", "中文/"}},
		{"folders below", cos.BucketGetOptions{Prefix: "a/", Delimiter: "/"}, []string{"a/1", "a/2", "a/b/"}},
		{"none", cos.BucketGetOptions{Prefix: "c"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			opt := test.opt
			for {
				result, _, err := c.Bucket.Get(t.Context(), &opt)
				if err != nil {
					t.Fatal(err)
				}
				decode := func(s string) string {
					if opt.EncodingType != "" {
						s, _ = cos.DecodeURIComponent(s)
					}
					return s
				}
				var page []string
				for _, o := range result.Contents {
					if o.Size != int64(len(decode(o.Key))) || o.ETag == "" {
						t.Errorf("entry %+v", o)
					}
					if _, err := time.Parse(time.RFC3339, o.LastModified); err != nil {
						t.Error(err)
					}
					page = append(page, decode(o.Key))
				}
				for _, p := range result.CommonPrefixes {
					page = append(page, decode(p))
				}
				slices.Sort(page)
				got = append(got, page...)
				if opt.MaxKeys > 0 && len(page) > opt.MaxKeys {
					t.Errorf("%d entries in a page of %d", len(page), opt.MaxKeys)
				}
				if !result.IsTruncated {
					break
				}
				opt.Marker = decode(result.NextMarker)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	wantNoViolations(t, b)
}

func TestWrongCredentials(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*costest.Config)
		code  string
	}{
		"key":      {func(c *costest.Config) { c.SecretKey = "another" }, "SignatureDoesNotMatch"},
		"id":       {func(c *costest.Config) { c.SecretID = "AKIDanother" }, "InvalidAccessKeyId"},
		"token":    {func(c *costest.Config) { c.SessionToken = "another" }, "InvalidToken"},
		"no token": {func(c *costest.Config) { c.SessionToken = "" }, "InvalidToken"},
		"none":     {func(c *costest.Config) { *c = costest.Config{} }, "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := config
			test.spoil(&wrong)
			b, c := start(t, wrong)
			_, err := c.Object.Put(t.Context(), "k", strings.NewReader("data"), nil)
			wantError(t, err, 403, test.code)
			if len(b.Violations()) != 1 || len(b.Objects()) != 0 {
				t.Errorf("violations %q, %d objects", b.Violations(), len(b.Objects()))
			}
		})
	}
}

func TestUnknownIsRefused(t *testing.T) {
	b, c := start(t, config)
	_, _, err := c.Object.GetACL(t.Context(), "k")
	wantError(t, err, 400, "InvalidArgument")
	_, err = c.Bucket.Head(t.Context())
	wantError(t, err, 405, "")
	_, err = c.Object.Get(t.Context(), "k", &cos.ObjectGetOptions{Range: "bytes=0-1"})
	wantError(t, err, 400, "InvalidArgument")
	_, err = c.Object.Put(t.Context(), "k", strings.NewReader(""), &cos.ObjectPutOptions{
		ACLHeaderOptions: &cos.ACLHeaderOptions{XCosACL: "public-read-write"},
	})
	wantError(t, err, 400, "InvalidArgument")
	if n := len(b.Violations()); n != 4 {
		t.Errorf("%d violations: %q", n, b.Violations())
	}
}

func TestIntercept(t *testing.T) {
	b, c := start(t, config)
	b.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut {
			return false
		}
		b.Serve(httptest.NewRecorder(), r)
		w.WriteHeader(http.StatusServiceUnavailable) // after the effect
		return true
	})
	_, err := c.Object.Put(t.Context(), "k", strings.NewReader("data"), nil)
	wantError(t, err, 503, "")
	if got := content(t, c, "k"); got != "data" {
		t.Errorf("content %q", got)
	}
	b.Intercept(nil)
	if _, err := c.Object.Put(t.Context(), "k", strings.NewReader("data"), nil); err != nil {
		t.Error(err)
	}
}

func TestClock(t *testing.T) {
	b, c := start(t, config)
	ahead := time.Now().Add(5 * time.Minute).Truncate(time.Second)
	b.SetClock(func() time.Time { return ahead })
	response, err := c.Object.Put(t.Context(), "k", strings.NewReader("data"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if date, err := http.ParseTime(response.Header.Get("Date")); err != nil || !date.Equal(ahead) {
		t.Errorf("Date %v, %v", date, err)
	}
	// The SDK's signatures live for an hour.
	for _, off := range []time.Duration{-16 * time.Minute, 61 * time.Minute} {
		b.SetClock(func() time.Time { return time.Now().Add(off) })
		if _, err := c.Object.Head(t.Context(), "k", nil); err == nil {
			t.Errorf("a clock off by %v is no matter", off)
		}
	}
	b.SetClock(nil)
	if _, err := c.Object.Head(t.Context(), "k", nil); err != nil {
		t.Error(err)
	}
}
