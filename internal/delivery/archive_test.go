package delivery

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

// archives has every archive, new and empty.
func archives(t *testing.T, body func(t *testing.T, a archive)) {
	t.Run("file", func(t *testing.T) { body(t, openSinks(t, fileURL(t.TempDir()+"/not/yet")).archives[0]) })
	t.Run("cos", func(t *testing.T) {
		_, u := startBucket(t)
		body(t, openSinks(t, u).archives[0])
	})
}

// TestArchive is what every archive does.
func TestArchive(t *testing.T) {
	archives(t, func(t *testing.T, a archive) {
		ctx := t.Context()
		const key = "IDA1/bankcard/order1/result.json"
		check := func(step, want string) {
			t.Helper()
			has, err := a.has(ctx, key)
			if err != nil || has != (want != "") {
				t.Errorf("%s: has %t, %v", step, has, err)
			}
			got, err := a.read(ctx, key)
			if want == "" && errors.Is(err, errAbsent) {
				return
			}
			if err != nil || string(got) != want {
				t.Errorf("%s: read %q, %v", step, got, err)
			}
		}
		write := func(text string) {
			t.Helper()
			if err := a.write(ctx, key, jsonBlob([]byte(text))); err != nil {
				t.Fatal(err)
			}
		}
		remove := func() {
			t.Helper()
			if err := a.remove(ctx, key); err != nil {
				t.Error(err)
			}
		}
		check("at first", "")
		remove()
		write("one")
		check("written", "one")
		write("another, longer")
		check("written over", "another, longer")
		write("short")
		check("written over again", "short")
		remove()
		check("removed", "")
		write("one")
		check("written anew", "one")
		if has, err := a.has(ctx, "IDA1/bankcard/order1"); has || err != nil {
			t.Errorf("a prefix of a key: %t, %v", has, err)
		}
	})
}

// What is larger than any buffer comes whole.
func TestArchiveLarge(t *testing.T) {
	archives(t, func(t *testing.T, a archive) {
		data := bytes.Repeat([]byte("0123456789abcdef"), 200_000)
		if err := a.write(t.Context(), "k.jpg", jsonBlob(data)); err != nil {
			t.Fatal(err)
		}
		if got, err := a.read(t.Context(), "k.jpg"); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

// A write of which the content breaks off leaves what was there.
func TestArchiveBrokenWrite(t *testing.T) {
	archives(t, func(t *testing.T, a archive) {
		const key = "a/b/c.jpg"
		if err := a.write(t.Context(), key, jsonBlob([]byte("first"))); err != nil {
			t.Fatal(err)
		}
		broken := jsonBlob([]byte("second"))
		broken.size += 10
		if err := a.write(t.Context(), key, broken); err == nil {
			t.Error("no error")
		}
		if got, err := a.read(t.Context(), key); err != nil || string(got) != "first" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestArchiveEndsWithItsContext(t *testing.T) {
	archives(t, func(t *testing.T, a archive) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := a.write(ctx, "k", jsonBlob([]byte("x"))); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

func TestOpen(t *testing.T) {
	for urls, want := range map[string]string{
		"":                        "no sink",
		"ftp://host":              "unknown scheme",
		"file:///a,\x7f://secret": "sink 2 is not a URL",
		"cos://bucket/prefix":     "must be cos://bucket-appid.region/prefix",
	} {
		c := Config{Role: testRole}
		for u := range strings.SplitSeq(urls, ",") {
			if u != "" {
				c.To = append(c.To, text(u))
			}
		}
		_, err := Open(c)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", urls, err)
		}
	}
	if _, err := Open(Config{To: texts("https://host/"), Secret: text("whsec_!")}); err == nil {
		t.Error("a secret without Base64 is taken")
	}
}
