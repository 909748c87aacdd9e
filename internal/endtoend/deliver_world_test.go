package endtoend

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"kyc-ocr-relay/internal/costest"
	"kyc-ocr-relay/internal/gateway"
)

const (
	evidence     = "evidence-1250000000"
	hookSecret   = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	archiveKeys  = "kyc/archive/"
	rejectedHook = "ocr.rejected"
)

// deliveries is a world that delivers into a folder, a bucket and a webhook over HTTPS.
type deliveries struct {
	*world
	dir    string
	bucket atomic.Pointer[costest.Bucket]
	hook   *hook
}

// startDeliveries opens one. s.env wins over what is set here.
func startDeliveries(t *testing.T, s setting) *deliveries {
	t.Helper()
	o := &deliveries{dir: t.TempDir(), hook: newHook(t)}
	o.newBucket()
	cos := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { o.bucket.Load().ServeHTTP(w, r) }))
	cos.Config.ErrorLog = discard
	cos.Start()
	t.Cleanup(func() {
		cos.Close()
		o.inspectBucket()
	})
	env := map[string]string{
		"DELIVER_TO": (&url.URL{Scheme: "file", Path: filepath.ToSlash(o.dir)}).String() +
			",cos://" + evidence + ".ap-guangzhou/" + archiveKeys + "?endpoint=" + url.QueryEscape(cos.URL) +
			"," + o.hook.server.URL + "/ocr?token=stray-canary",
		"DELIVER_SECRET":            hookSecret,
		"SSL_CERT_FILE":             o.hook.certificate,
		"TENCENTCLOUD_SECRETID":     gateway.FakeSecretID,
		"TENCENTCLOUD_SECRETKEY":    gateway.FakeSecretKey,
		"TENCENTCLOUD_SESSIONTOKEN": gateway.FakeSessionToken,
	}
	for name, value := range s.env {
		env[name] = value
	}
	s.env = env
	o.world = open(t, transports[0], s)
	return o
}

// newBucket puts an empty bucket in the place of the one that is there.
func (o *deliveries) newBucket() {
	if o.bucket.Load() != nil {
		o.inspectBucket()
	}
	o.bucket.Store(costest.New(costest.Config{Name: evidence, SecretID: gateway.FakeSecretID, SecretKey: gateway.FakeSecretKey, SessionToken: gateway.FakeSessionToken}))
}

func (o *deliveries) inspectBucket() {
	for _, v := range o.bucket.Load().Violations() {
		o.t.Errorf("the bucket's rules: %s", v)
	}
}

// deliver runs an invocation and returns its lists, or the error's text. That text
// names orders: it is not held against the canaries.
func (o *deliveries) deliver(payload string) (delivered, skipped, rejected []string, failed string) {
	o.t.Helper()
	result, err := o.event.Invoke(o.t.Context(), []byte(payload))
	if err != nil {
		o.t.Fatal(err)
	}
	if result.Error != nil {
		return nil, nil, nil, result.Error.Message
	}
	var lists struct{ Delivered, Skipped, Rejected []string }
	if err := json.Unmarshal(result.Payload, &lists); err != nil {
		o.t.Fatalf("%v: %s", err, result.Payload)
	}
	return lists.Delivered, lists.Skipped, lists.Rejected, ""
}

// keeper reads what an archive holds under a key; nil where there is nothing.
type keeper func(key string) []byte

func (o *deliveries) file(key string) []byte {
	data, err := os.ReadFile(filepath.Join(o.dir, filepath.FromSlash(key)))
	if err != nil {
		return nil
	}
	return data
}

func (o *deliveries) object() keeper {
	objects := o.bucket.Load().Objects()
	return func(key string) []byte { return objects[archiveKeys+key].Data }
}

// whole reports what is wrong with the delivery of an order: with a result there has to
// be every photo that it names, and every photo of the simulator has to be named.
func (o *deliveries) whole(kept keeper, typ, order string) (there bool, err error) {
	dir := firstApp + "/" + typ + "/" + order + "/"
	text := kept(dir + "result.json")
	if text == nil {
		return false, nil
	}
	var document struct{ Result map[string]json.RawMessage }
	if err := json.Unmarshal(text, &document); err != nil {
		return true, err
	}
	for field, want := range o.sim.Photos(typ, order) {
		var reference struct {
			File   string
			Bytes  int
			SHA256 string
		}
		if err := json.Unmarshal(document.Result[field], &reference); err != nil {
			return true, fmt.Errorf("%s: %w", field, err)
		}
		if reference.File != field+".jpg" || reference.Bytes != len(want) || reference.SHA256 != fmt.Sprintf("%x", sha256.Sum256(want)) {
			return true, fmt.Errorf("%s: %+v", field, reference)
		}
		if got := kept(dir + reference.File); !bytes.Equal(got, want) {
			return true, fmt.Errorf("%s: %d bytes for %d", field, len(got), len(want))
		}
	}
	return true, nil
}

// expectDelivered wants an order in both archives whole and once, and told once or more
// under one id.
func (o *deliveries) expectDelivered(typ, order string) {
	o.t.Helper()
	object := o.object()
	for name, kept := range map[string]keeper{"file": o.file, "cos": object} {
		if there, err := o.whole(kept, typ, order); !there || err != nil {
			o.t.Errorf("%s: %s: %t, %v", order, name, there, err)
		}
	}
	want := []string{"result.json"}
	for field := range o.sim.Photos(typ, order) {
		want = append(want, field+".jpg")
	}
	slices.Sort(want)
	dir := firstApp + "/" + typ + "/" + order
	if got := o.files(dir); !slices.Equal(got, want) {
		o.t.Errorf("%s: files %q, want %q", order, got, want)
	}
	told := o.hook.about(firstApp, typ, order)
	if len(told) == 0 {
		o.t.Errorf("%s: the webhook was not told", order)
		return
	}
	for _, m := range told {
		if m.id != told[0].id || m.Type != "ocr.delivered" {
			o.t.Errorf("%s: the webhook was told %s under %s", order, m.Type, m.id)
		}
	}
	// A try that was broken off may have left one archive with an earlier answer, which
	// differs in its serial number and time.
	last := told[len(told)-1].raw
	if !bytes.Contains(last, o.file(dir+"/result.json")) && !bytes.Contains(last, object(dir+"/result.json")) {
		o.t.Errorf("%s: the webhook was told what no archive has: %.300s", order, last)
	}
}

// files returns the names in a folder of the archive, below it as well.
func (o *deliveries) files(dir string) (names []string) {
	root := filepath.Join(o.dir, filepath.FromSlash(dir))
	_ = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(root, path)
			names = append(names, filepath.ToSlash(name))
		}
		return nil
	})
	return names
}

// ckafkaEvent makes messages the records of a CKafka event.
func ckafkaEvent(messages ...string) string {
	records := make([]string, len(messages))
	for i, m := range messages {
		body, _ := json.Marshal(m)
		records[i] = fmt.Sprintf(`{"Ckafka":{"topic":"ocr","partition":1,"offset":%d,"msgKey":"None","msgBody":%s}}`, i, body)
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}
