package handler

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/simulator"
)

// cropPatience is how long files that may be missing are waited for.
const cropPatience = 3 * time.Second

// A face verification is delivered with its photo and its video, whichever event brings it; files
// that are late are waited for, and a verdict other than 0 is delivered as it is.
func TestDeliverFace(t *testing.T) {
	message := func(order string) string { return `{"type":"face","order_no":"` + order + `"}` }
	kafka := func(order string) string { return ckafka(message(order)) }
	both := []string{"photo.jpg", "result.json", "video.mp4"}
	for name, c := range map[string]struct {
		event func(order string) string
		order string
		files []string
		took  time.Duration
	}{
		"direct": {func(order string) string { return `{"action":"deliver",` + message(order)[1:] }, "order1", both, 0},
		"ckafka": {kafka, "order1", both, 0},
		"cos": {func(order string) string {
			return `{"Records":[{"cos":{"cosObject":{"key":"/1/b/x/face/` + order + `.json"}},"event":{"eventName":"cos:ObjectCreated:Put"}}]}`
		}, "order1", both, 0},
		"eventbridge": {func(order string) string {
			return `{"specversion":"1.0","id":"1","source":"s","data":` + message(order) + `}`
		}, "order1", both, 0},
		"late files":     {kafka, "late1", both, time.Second},
		"another person": {kafka, "mismatch1", []string{"photo.jpg", "result.json"}, cropPatience},
		"not living":     {kafka, "spoof1", []string{"result.json"}, cropPatience},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPost(t, simulator.Config{})
				begin := time.Now()
				got, err := p.deliver(t, c.event(c.order))
				if err != nil || !slices.Equal(got.Delivered, []string{"IDA1/face/" + c.order}) {
					t.Fatalf("%v, %v", got, err)
				}
				if took := time.Since(begin); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				dir := filepath.Join(p.dir, "IDA1", "face", c.order)
				entries, err := os.ReadDir(dir)
				var files []string
				for _, e := range entries {
					files = append(files, e.Name())
				}
				if err != nil || !slices.Equal(files, c.files) {
					t.Errorf("files %q, %v", files, err)
				}
				document, err := os.ReadFile(filepath.Join(dir, "result.json"))
				has := strings.Contains(string(document), `"video":{"file":"video.mp4","bytes":`)
				if err != nil || has != slices.Contains(c.files, "video.mp4") {
					t.Errorf("%s, %v", document, err)
				}
				if again, err := p.deliver(t, c.event(c.order)); err != nil || len(again.Skipped) != 1 {
					t.Errorf("again: %v, %v", again, err)
				}
			})
		})
	}
}

// What the user has not finished is tried again by the platform.
func TestDeliverFaceThatIsNotDone(t *testing.T) {
	for _, order := range []string{"aborted1", "notfound1"} {
		synctest.Test(t, func(t *testing.T) {
			p := newPost(t, simulator.Config{})
			_, err := p.deliver(t, ckafka(`{"type":"face","order_no":"`+order+`"}`))
			if err == nil || !strings.Contains(err.Error(), "there is no result yet") {
				t.Errorf("%s: %v", order, err)
			}
			if _, err := os.Stat(filepath.Join(p.dir, "IDA1")); !errors.Is(err, os.ErrNotExist) {
				t.Error("something was written")
			}
		})
	}
}
