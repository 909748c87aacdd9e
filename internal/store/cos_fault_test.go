package store

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A version that is deleted between the listing and the reading: look again.
func TestCOSDeletedMeanwhile(t *testing.T) {
	b, s := startBucket(t)
	mustSwap(t, s, "app", 0, []byte("one"))
	var asked atomic.Int32
	b.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && r.URL.Path != "/" && asked.Add(1) == 1 {
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		return false
	})
	if v := mustLoad(t, s, "app"); v.Version != 1 || asked.Load() != 2 {
		t.Errorf("version %d after %d looks", v.Version, asked.Load())
	}
}

func TestCOSBadAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   error
		text   string
	}{
		"no date": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Date"] = nil
			_, _ = io.WriteString(w, "<ListBucketResult/>")
		}, errNoDate, ""},
		"an error's words are not repeated": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			_, _ = io.WriteString(w, "<Error><Code>canary code</Code><Message>canary</Message></Error>")
		}, nil, "the service answered 500 (no code)"},
		"a redirect is not followed": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://canary.invalid/")
			w.WriteHeader(302)
		}, nil, "the service answered 302 (no code)"},
	} {
		t.Run(name, func(t *testing.T) {
			b, s := startBucket(t)
			b.Intercept(func(w http.ResponseWriter, r *http.Request) bool { test.answer(w, r); return true })
			_, err := s.Load(t.Context(), "app")
			if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.HasSuffix(err.Error(), test.text) {
				t.Errorf("got %v", err)
			}
			wantClean(t, err, []string{"canary"})
		})
	}
}

func TestCOSTooLarge(t *testing.T) {
	_, s := startBucket(t)
	mustSwap(t, s, "app", 0, make([]byte, maxValue+1))
	if _, err := s.Load(t.Context(), "app"); !errors.Is(err, errTooLarge) {
		t.Error(err)
	}
}

// A service that accepts and never answers.
func TestCOSHangs(t *testing.T) {
	b, s := startBucket(t)
	b.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	wantError(t, medium{canaries: []string{"canary"}}, ctx, s, context.DeadlineExceeded)
}
