package delivery

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/order"
)

var testOrder = order.Order{AppID: "IDA1", Type: "bankcard", No: "order1"}

// packed has two photos.
func testParcel() *Packed {
	encode := base64.StdEncoding.EncodeToString
	result := `{"code":"0","result":{"bankcardCropPhoto":"` + encode([]byte("crop")) + `","originBankcardPhoto":"` + encode([]byte("origin")) + `"}}`
	first, last := strings.Index(result, `"`+encode([]byte("crop"))), strings.Index(result, `"`+encode([]byte("origin")))
	return Pack([]byte(result), []Span{
		{"bankcardCropPhoto", first, first + len(encode([]byte("crop"))) + 2},
		{"originBankcardPhoto", last, last + len(encode([]byte("origin"))) + 2},
	})
}

// files returns the files in dir, with / between the segments.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			all = append(all, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var complete = []string{
	"IDA1/bankcard/order1/bankcardCropPhoto.jpg",
	"IDA1/bankcard/order1/originBankcardPhoto.jpg",
	"IDA1/bankcard/order1/result.json",
}

const markName = "undelivered/IDA1/bankcard/order1.order"

// deliver is what happens upon an event; skipped says that the upstream was not needed.
func deliver(t *testing.T, s *Sinks) (skipped bool, err error) {
	t.Helper()
	p, err := s.Check(t.Context(), testOrder)
	if err != nil || p == nil {
		return err == nil, err
	}
	if p.Archived() {
		return true, p.Tell(t.Context())
	}
	return false, p.Deliver(t.Context(), testParcel())
}

func TestDeliverOnce(t *testing.T) {
	dir, hook := t.TempDir(), startReceiver(t)
	b, cosURL := startBucket(t)
	s := openSinks(t, fileURL(dir), cosURL, hook.url)
	for _, want := range []bool{false, true, true} {
		if skipped, err := deliver(t, s); err != nil || skipped != want {
			t.Errorf("skipped %t, %v", skipped, err)
		}
	}
	if got := files(t, dir); !slices.Equal(got, complete) {
		t.Errorf("files %q", got)
	}
	objects := b.Objects()
	for _, name := range complete {
		o := objects["kyc/archive/"+name]
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(o.Data) != string(want) || o.Puts != 1 ||
			o.Header.Get("X-Cos-Acl") != "private" || o.Header.Get("X-Cos-Server-Side-Encryption") != "AES256" {
			t.Errorf("%s: %q, %d puts, %v", name, o.Data, o.Puts, err)
		}
	}
	if len(objects) != len(complete) || len(hook.messages()) != 1 {
		t.Errorf("%d objects, %d messages", len(objects), len(hook.messages()))
	}
}

// A webhook that fails keeps nobody else from the result, and is told later from what
// the archive has: by another event, which needs no upstream.
func TestWebhookThatFailed(t *testing.T) {
	dir, bad, good := t.TempDir(), startReceiver(t), startReceiver(t)
	s := openSinks(t, bad.url, good.url, fileURL(dir))
	bad.next(403)
	if _, err := deliver(t, s); err == nil || !strings.Contains(err.Error(), "answered 403") {
		t.Errorf("%v", err)
	}
	if got := files(t, dir); !slices.Equal(got, append(slices.Clone(complete), markName)) {
		t.Errorf("files %q", got)
	}
	mark, err := os.ReadFile(filepath.Join(dir, markName))
	want := `{"action":"deliver","type":"bankcard","order_no":"order1","app_id":"IDA1","webhooks":["` + s.hooks[0].tag + `"],"told":["` + s.hooks[1].tag + `"]}`
	if err != nil || string(mark) != want {
		t.Errorf("the mark is %s, %v", mark, err)
	}
	bad.next(403)
	if _, err := deliver(t, s); err == nil {
		t.Error("no error, although the webhook fails still")
	}
	if skipped, err := deliver(t, s); !skipped || err != nil {
		t.Errorf("skipped %t, %v", skipped, err)
	}
	if got := files(t, dir); !slices.Equal(got, complete) {
		t.Errorf("files %q", got)
	}
	told, others := bad.messages(), good.messages()
	if len(told) != 1 || len(others) != 1 || told[0].ID != others[0].ID || string(told[0].Data) != string(others[0].Data) {
		t.Errorf("%d and %d messages", len(told), len(others))
	}
}

// An archive that fails keeps nobody else from the result; afterwards it alone is given it.
func TestArchiveThatFailed(t *testing.T) {
	for _, fails := range []string{"PUT", "HEAD", "GET", "photo", "result.json"} {
		t.Run(fails, func(t *testing.T) {
			dir, hook := t.TempDir(), startReceiver(t)
			b, cosURL := startBucket(t)
			s := openSinks(t, cosURL, fileURL(dir), hook.url)
			b.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
				hit := r.Method == fails || r.Method == "PUT" && (fails == "photo" && strings.HasSuffix(r.URL.Path, "origin"+"BankcardPhoto.jpg") || strings.HasSuffix(r.URL.Path, fails))
				return hit && failing(http.StatusForbidden)(w, r)
			})
			_, err := deliver(t, s)
			if reads := fails == "GET" || fails == "HEAD"; (err == nil) != reads {
				t.Errorf("%v", err)
			}
			want := complete
			if err != nil { // each archive has a mark
				want = append(slices.Clone(complete), markName)
			}
			if got := files(t, dir); !slices.Equal(got, want) {
				t.Errorf("files %q", got)
			}
			if got := len(hook.messages()); got != 1 {
				t.Errorf("%d messages", got)
			}
			b.Intercept(nil)
			if _, err := deliver(t, s); err != nil {
				t.Error(err)
			}
			if skipped, err := deliver(t, s); !skipped || err != nil {
				t.Errorf("skipped %t, %v", skipped, err)
			}
			objects := b.Objects()
			for _, name := range complete {
				if objects["kyc/archive/"+name].Data == nil {
					t.Errorf("no %s", name)
				}
			}
			if len(objects) != len(complete) {
				t.Errorf("%d objects", len(objects))
			}
			if got := len(hook.messages()); got != 1 {
				t.Errorf("%d messages", got)
			}
			if got := files(t, dir); !slices.Equal(got, complete) {
				t.Errorf("files %q", got)
			}
		})
	}
}

func TestPostpone(t *testing.T) {
	dir, hook := t.TempDir(), startReceiver(t)
	s := openSinks(t, fileURL(dir), hook.url)
	for range 2 {
		p, err := s.Check(t.Context(), testOrder)
		if err != nil || p == nil {
			t.Fatal(p, err)
		}
		if err := p.Postpone(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := files(t, dir); !slices.Equal(got, []string{markName}) {
		t.Errorf("files %q", got)
	}
	if _, err := deliver(t, s); err != nil {
		t.Error(err)
	}
	if got := files(t, dir); !slices.Equal(got, complete) || len(hook.messages()) != 1 {
		t.Errorf("files %q, %d messages", got, len(hook.messages()))
	}
}

func TestReject(t *testing.T) {
	dir, hook := t.TempDir(), startReceiver(t)
	b, cosURL := startBucket(t)
	s := openSinks(t, fileURL(dir), cosURL, hook.url)
	r := Rejection{Message: "not\x00 an \"order\"", Reason: "not a JSON object", Event: "ckafka"}
	for range 2 {
		if err := s.Reject(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	got := files(t, dir)
	if !slices.Equal(got, []string{r.Name()}) || len(b.Objects()) != 1 || len(hook.messages()) != 2 || hook.messages()[0].ID != hook.messages()[1].ID {
		t.Fatalf("files %q, %d objects, %d messages", got, len(b.Objects()), len(hook.messages()))
	}
	data, err := os.ReadFile(filepath.Join(dir, got[0]))
	var kept Rejection
	if err == nil {
		err = json.Unmarshal(data, &kept)
	}
	if err != nil || kept != r {
		t.Errorf("%s, %v", data, err)
	}
	b.Intercept(failing(http.StatusForbidden))
	hook.next(400)
	if err := s.Reject(t.Context(), r); err == nil || !strings.Contains(err.Error(), "403") || !strings.Contains(err.Error(), "400") {
		t.Errorf("%v", err)
	}
}

// Without an archive there is no mark: webhooks get the message that replays the order.
func TestSetAsideWithoutAnArchive(t *testing.T) {
	hook := startReceiver(t)
	p, err := openSinks(t, hook.url).Check(t.Context(), testOrder)
	if err != nil {
		t.Fatal(err)
	}
	r := Rejection{Message: `{"type":"bankcard","order_no":"order1"}`, Reason: "refused", Event: "ckafka"}
	hook.next(400)
	if err := p.SetAside(t.Context(), r); err == nil {
		t.Error("no error, although nobody was told")
	}
	if err := p.SetAside(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	var told Rejection
	got := hook.messages()
	if len(got) != 1 || got[0].Type != "ocr.rejected" || json.Unmarshal(got[0].Data, &told) != nil || told != r {
		t.Errorf("%d messages, %+v", len(got), told)
	}
}
