package endtoend

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"slices"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/gateway"
)

// discard takes what net/http says about connections that a scenario broke.
var discard = log.New(io.Discard, "", 0)

// canaries are texts that must never be told, by kind.
type canaries map[string][]string

// mostCanaries of a kind are enough, however many requests a test makes.
const mostCanaries = 300

func (c canaries) add(kind, text string) {
	if len(text) >= 6 && len(c[kind]) < mostCanaries {
		c[kind] = append(c[kind], text)
	}
}

// addPhoto adds a stretch of a photo's Base64 and the bytes it stands for.
func (c canaries) addPhoto(text string) {
	c.add("photo", text)
	if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
		c.add("photo bytes", string(raw))
	}
}

// addFixed adds what every world has.
func (c canaries) addFixed() {
	for _, s := range secrets {
		c.add("app secret", s)
	}
	for _, s := range []string{aliceToken, bobToken} {
		c.add("caller token", s)
	}
	for _, s := range []string{gateway.FakeSecretID, gateway.FakeSecretKey, gateway.FakeSessionToken} {
		c.add("role credential", s)
	}
	for _, s := range strayCanaries {
		c.add("stray", s)
	}
}

// strayCanaries are what tests put where nobody should: in wrong tokens, in order numbers and
// parameters, in paths, in settings.
var strayCanaries = []string{"stray-canary", "stray%2Dcanary", "c3RyYXktY2FuYXJ5"}

// in reports every kind of which some text is found, as it is or as JSON has it.
func (c canaries) in(text string) (kinds []string) {
	for kind, list := range c {
		for _, canary := range list {
			found := strings.Contains(text, canary)
			if strings.ContainsFunc(canary, escapes) {
				escaped, _ := json.Marshal(canary)
				found = found || strings.Contains(text, strings.Trim(string(escaped), `"`))
			}
			if found {
				kinds = append(kinds, kind)
				break
			}
		}
	}
	return kinds
}

// escapes reports whether r may look different in JSON.
func escapes(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`"\\&<>`, r) }

// inspect looks at what is left when a world has ended.
func (w *world) inspect() {
	w.t.Helper()
	for _, broken := range w.sim.Violations() {
		if !w.excusing {
			w.t.Errorf("the upstream's rules: %s", broken)
		}
	}
	w.witness.mu.Lock()
	defer w.witness.mu.Unlock()
	all := w.witness.canaries
	all.addFixed()
	logged := w.log.String()
	for where, text := range map[string]string{"the log tells": logged, "callers are told": w.told.String()} {
		if all.in(text) == nil {
			continue
		}
		for line := range strings.Lines(text) {
			if kinds := all.in(line); len(kinds) > 0 {
				w.t.Errorf("%s %q: %s", where, kinds, line)
				break
			}
		}
	}
	if kinds := slices.DeleteFunc(all.in(w.started.String()), startsWith); len(kinds) > 0 {
		w.t.Errorf("front ends are told %q", kinds)
	}
	w.inspectLog(logged)
}

// startsWith reports whether a canary of this kind is what a front end needs to start with.
func startsWith(kind string) bool {
	return slices.Contains([]string{"order_no", "orderNo", "userId", "user_id", "nonce", "sign", "faceId", "h5faceId"}, kind)
}

// inspectLog holds the log to flat JSON with one line for every HTTP request.
func (w *world) inspectLog(logged string) {
	w.t.Helper()
	lines := map[string]int{}
	for line := range strings.Lines(logged) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			w.t.Errorf("a line of the log is not a JSON object: %s", line)
			continue
		}
		for name, value := range fields {
			switch value.(type) {
			case map[string]any, []any:
				w.t.Errorf("%s is not flat: %s", name, line)
			}
		}
		if id, ok := fields["request_id"].(string); ok {
			lines[id]++
		}
	}
	for _, id := range w.ids {
		if lines[id] != 1 {
			w.t.Errorf("request %s has %d lines in the log", id, lines[id])
		}
	}
}

func TestCanariesAreFoundWhereTheyAre(t *testing.T) {
	c := canaries{}
	c.addFixed()
	c.add("name", "张三")
	for _, text := range []string{"x" + aliceToken, secrets[firstApp], gateway.FakeSecretKey, `{"a":"张三"}`} {
		if len(c.in(text)) != 1 {
			t.Errorf("not found in %s", text)
		}
	}
	if kinds := c.in("nothing at all"); kinds != nil {
		t.Errorf("found %q in nothing", kinds)
	}
}

// TestCanariesOfEveryKindAreGathered keeps the checks of all other tests from being empty.
func TestCanariesOfEveryKindAreGathered(t *testing.T) {
	t.Parallel()
	w := open(t, webTransport, setting{})
	w.expectStatus("/ocr/bankcard/gathered1?get_file=1", 200)
	w.expectStatus("/ocr/idcard/gathered2?get_file=1", 200)
	for _, a := range acts {
		e := a.exchange(a.order("gather"))
		w.send(e.method, e.target, bearer(aliceToken), e.body)
	}
	w.expectStatus("/healthz", 200)
	w.witness.mu.Lock()
	defer w.witness.mu.Unlock()
	all := w.witness.canaries
	all.addFixed()
	for kind := range strings.FieldsSeq(`secret access_token value sign nonce query order_no bankCardNo idcard name photo
		orderNo userId user_id idNo id_no faceId h5faceId certId bankcardNo licenseNo plateNo`) {
		if len(all[kind]) == 0 {
			t.Errorf("no canary of the kind %s", kind)
		}
	}
	for kind, text := range map[string]string{"name": "欧阳测试", "idNo": "000000199001011234", "userId": "userOfTheFlow",
		"photo": portrait[stretchAt : stretchAt+stretchSize]} {
		if !slices.Contains(all[kind], text) {
			t.Errorf("what is sent to the upstream is no canary of the kind %s", kind)
		}
	}
	for _, kind := range []string{"app secret", "caller token", "role credential", "photo bytes", "stray"} {
		if len(all[kind]) == 0 {
			t.Errorf("no canary of the kind %s", kind)
		}
	}
}
