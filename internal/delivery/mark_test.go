package delivery

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func removeAll(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

// A webhook was told nothing, because its URL was mistyped. With the URL corrected, the
// mark's event tells it.
func TestCorrectedWebhookIsTold(t *testing.T) {
	dir, hook, other := t.TempDir(), startReceiver(t), startReceiver(t)
	mistyped := openSinks(t, fileURL(dir), hook.url+"/mistyped", other.url)
	hook.next(404)
	if _, err := deliver(t, mistyped); err == nil {
		t.Fatal("no error")
	}
	s := openSinks(t, fileURL(dir), hook.url, other.url)
	hook.next(503, 503)
	if _, err := deliver(t, s); err == nil {
		t.Error("no error, although the corrected one fails")
	}
	for range 2 {
		if skipped, err := deliver(t, s); !skipped || err != nil {
			t.Errorf("skipped %t, %v", skipped, err)
		}
	}
	if len(hook.messages()) != 1 || len(other.messages()) != 1 {
		t.Errorf("%d and %d messages", len(hook.messages()), len(other.messages()))
	}
	if got := files(t, dir); !slices.Equal(got, complete) {
		t.Errorf("files %q", got)
	}
}

// A webhook that was not told is taken away, and no other put in its place: the mark
// stays, and nobody says that all is done. It is told when it is back.
func TestRemovedWebhook(t *testing.T) {
	dir, hook, other := t.TempDir(), startReceiver(t), startReceiver(t)
	both := openSinks(t, fileURL(dir), hook.url, other.url)
	hook.next(404)
	if _, err := deliver(t, both); err == nil {
		t.Fatal("no error")
	}
	for _, s := range []*Sinks{openSinks(t, fileURL(dir), other.url), openSinks(t, fileURL(dir))} {
		for range 2 {
			if _, err := deliver(t, s); !errors.Is(err, ErrGone) || !strings.Contains(err.Error(), both.hooks[0].tag) {
				t.Errorf("%v", err)
			}
		}
		if got := files(t, dir); !slices.Equal(got, append(slices.Clone(complete), markName)) {
			t.Errorf("files %q", got)
		}
	}
	if _, err := deliver(t, both); err != nil {
		t.Error(err)
	}
	if got := files(t, dir); !slices.Equal(got, complete) || len(hook.messages()) != 1 || len(other.messages()) != 1 {
		t.Errorf("files %q, %d and %d messages", got, len(hook.messages()), len(other.messages()))
	}
}

// Of two that were not told one is replaced, the other taken away for a while.
func TestOneReplacedAndOneRemoved(t *testing.T) {
	dir, first, second := t.TempDir(), startReceiver(t), startReceiver(t)
	s := openSinks(t, fileURL(dir), first.url+"/mistyped", second.url)
	first.next(404)
	second.next(410)
	if _, err := deliver(t, s); err == nil {
		t.Fatal("no error")
	}
	for range 2 {
		if _, err := deliver(t, openSinks(t, fileURL(dir), first.url)); !errors.Is(err, ErrGone) {
			t.Errorf("%v", err)
		}
	}
	if _, err := deliver(t, openSinks(t, fileURL(dir), first.url, second.url)); err != nil {
		t.Error(err)
	}
	if got := files(t, dir); !slices.Equal(got, complete) || len(first.messages()) != 1 || len(second.messages()) != 1 {
		t.Errorf("files %q, %d and %d messages", got, len(first.messages()), len(second.messages()))
	}
}

// A mark that somebody wrote by hand, or another version: it has the webhooks that were
// not told, and not those that were. One that names a webhook of another URL is for
// everybody, as each may have taken its place.
func TestForeignMarks(t *testing.T) {
	for mark, told := range map[string]int{
		"": 2, "{}": 2, "oops": 2, `{"webhooks":null}`: 2, `{"webhooks":["self"]}`: 2, `{"webhooks":["gone-1"]}`: 2,
		`{"webhooks":[]}`: 1, `{"webhooks":[],"told":["self"]}`: 1, `{"webhooks":["self"],"told":[]}`: 2, `{"told":[]}`: 2,
	} {
		dir, hook := t.TempDir(), startReceiver(t)
		s := openSinks(t, fileURL(dir), hook.url)
		if _, err := deliver(t, s); err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(mark, "self", s.hooks[0].tag)
		if err := s.archives[0].write(t.Context(), markName, jsonBlob([]byte(text))); err != nil {
			t.Fatal(err)
		}
		if skipped, err := deliver(t, s); !skipped || err != nil {
			t.Errorf("%q: skipped %t, %v", mark, skipped, err)
		}
		if got := files(t, dir); !slices.Equal(got, complete) || len(hook.messages()) != told {
			t.Errorf("%q: files %q, %d messages", mark, got, len(hook.messages()))
		}
	}
}

// A mark in one of two archives cannot be read: whoever was told, it is no success.
func TestUnreadableMark(t *testing.T) {
	for _, c := range []struct{ unread, lacks int }{{0, 1}, {1, 0}, {0, -1}, {1, -1}} {
		dir, hook := t.TempDir(), startReceiver(t)
		b, cosURL := startBucket(t)
		urls := []string{cosURL, fileURL(dir)}
		if c.unread == 1 {
			slices.Reverse(urls)
		}
		s := openSinks(t, append(urls, hook.url)...)
		hook.next(404)
		if _, err := deliver(t, s); err == nil {
			t.Fatal("no error")
		}
		if c.lacks >= 0 { // of the other archive all is lost
			for _, name := range append(slices.Clone(complete), markName) {
				removeAll(t, filepath.Join(dir, name))
			}
		} else { // of the other archive the mark is lost
			removeAll(t, filepath.Join(dir, markName))
		}
		b.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, ".order") && failing(http.StatusForbidden)(w, r)
		})
		_, err := deliver(t, s)
		if told := len(hook.messages()); err == nil && told == 0 {
			t.Errorf("%+v: success, and nobody was told", c)
		}
		if _, kept := b.Objects()["kyc/archive/"+markName]; !kept {
			t.Errorf("%+v: the mark that cannot be read is gone", c)
		}
		b.Intercept(nil)
		for range 2 {
			if _, err := deliver(t, s); err != nil {
				t.Errorf("%+v: %v", c, err)
			}
		}
		if got := files(t, dir); !slices.Equal(got, complete) || len(b.Objects()) != len(complete) || len(hook.messages()) == 0 {
			t.Errorf("%+v: files %q, %d objects, %d messages", c, got, len(b.Objects()), len(hook.messages()))
		}
	}
}

// Archives change their order, are taken away, and added: who was not told is not
// forgotten, whichever of them comes to be the first.
func TestMarksOfOtherArchives(t *testing.T) {
	hook := startReceiver(t)
	one, two, three := fileURL(t.TempDir()), fileURL(t.TempDir()), fileURL(t.TempDir())
	for name, c := range map[string]struct{ before, between, after []string }{
		"another order":               {[]string{one, two}, nil, []string{two, one}},
		"the first is gone":           {[]string{one, two}, nil, []string{two}},
		"one is added":                {[]string{one, two}, nil, []string{three, one, two}},
		"one is added that has it":    {[]string{two}, []string{one}, []string{one, two}},
		"the first is another":        {[]string{one, two}, nil, []string{three, two}},
		"the last is gone":            {[]string{one, two, three}, nil, []string{one}},
		"only the last of them stays": {[]string{one, two, three}, nil, []string{three}},
	} {
		for _, dir := range []string{one, two, three} {
			if err := os.RemoveAll(strings.TrimPrefix(dir, "file://")); err != nil {
				t.Fatal(err)
			}
		}
		told := len(hook.messages())
		hook.next(404)
		if _, err := deliver(t, openSinks(t, append(c.before, hook.url)...)); err == nil {
			t.Fatal("no error")
		}
		if c.between != nil {
			if _, err := deliver(t, openSinks(t, c.between...)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := deliver(t, openSinks(t, append(c.after, hook.url)...)); err != nil || len(hook.messages()) == told {
			t.Errorf("%s: %v, and %d messages", name, err, len(hook.messages())-told)
		}
	}
}
