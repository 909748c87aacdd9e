package endtoend

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"kyc-ocr-relay/internal/apitest"
	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/internal/simulator"
)

// TestCallerTokenIsRotatedUnderLoad goes from an old token to a new one: both are
// accepted in between, and no query fails.
func TestCallerTokenIsRotatedUnderLoad(t *testing.T) {
	t.Parallel()
	const newToken = "alice-new-token-1d0c55"
	sim := simulator.New(simulator.Config{Apps: secrets})
	upstream := httptest.NewServer(sim)
	t.Cleanup(upstream.Close)
	e := startCluster(t, 3, environment(upstream.URL, map[string]string{
		"CALLER_TOKENS": "alice:" + aliceToken, "TICKET_STORE": "file://" + filepath.ToSlash(t.TempDir()), "LOG_LEVEL": "warn",
	}))
	token := newToken
	e.under(func() {
		e.more(100)
		for _, in := range e.instances {
			e.replace(in, map[string]string{"CALLER_TOKENS": "alice:" + aliceToken + ",alicenew:" + newToken})
			e.more(50)
		}
		e.token.Store(&token) // the callers change over
		e.more(100)
		for _, in := range e.instances {
			e.replace(in, map[string]string{"CALLER_TOKENS": "alicenew:" + newToken})
			e.more(50)
		}
	})
	e.expectNoFailure("caller token")
	old := aliceToken
	e.token.Store(&old)
	e.query("afterwards1")
	if n := e.failures(); n[0]+n[1]+n[2] != 1 {
		t.Error("the old token is accepted still")
	}
	t.Logf("%d queries, none failed; %d mints", e.served.Load(), len(sim.Mints(firstApp)))
	if n := len(sim.Mints(firstApp)); n != 1 {
		t.Errorf("%d mints: a restarted instance takes the pair from the store", n)
	}
	for _, broken := range sim.Violations() {
		t.Error(broken)
	}
}

const newFirstSecret = "new-secret-of-first-55e0a1"

// rotation is the vendor, who may be given another secret, and the secrets manager.
type rotation struct {
	*cluster
	sim     *simulator.Simulator
	account *apitest.Server
	source  string       // SECRET_SOURCE
	tokens  atomic.Int64 // calls for one, refused or not
	looks   atomic.Int64 // at the secret
}

func startRotation(t *testing.T) *rotation {
	t.Helper()
	d := &rotation{
		sim:     simulator.New(simulator.Config{Apps: secrets}),
		account: apitest.New(apitest.Config{SecretID: gateway.FakeSecretID, SecretKey: gateway.FakeSecretKey, Token: gateway.FakeSessionToken}),
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/oauth2/access_token" {
			d.tokens.Add(1)
		}
		d.sim.ServeHTTP(w, r)
	}))
	t.Cleanup(upstream.Close)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.looks.Add(1)
		d.account.ServeHTTP(w, r)
	}))
	t.Cleanup(api.Close)
	d.source = "ssm://ap-guangzhou/kyc?endpoint=" + api.URL
	d.cluster = &cluster{t: t, env: environment(upstream.URL, map[string]string{
		"KYC_APPS": "", "TICKET_STORE": "file://" + filepath.ToSlash(t.TempDir()),
	})}
	return d
}

// hold has the secrets manager hold an app secret, or two.
func (d *rotation) hold(secret, next string) {
	content := map[string]string{"KYC_SECRET": secret}
	if next != "" {
		content["KYC_APPS"] = firstApp + ":" + next
	}
	text, err := json.Marshal(content)
	if err != nil {
		d.t.Fatal(err)
	}
	d.account.PutSecret("kyc", "", string(text))
}

// expectFew allows for a pair of the old secret and one of the new one, whatever the load, and for
// that many refusals. Where the new secret is known, the old one is refused to one instance, and to
// each that learns of the change when that is more than a second ago.
func (d *rotation) expectFew(refusals int) {
	d.t.Helper()
	mints, tokens := len(d.sim.Mints(firstApp)), int(d.tokens.Load())
	if mints != 2 || tokens > mints+refusals {
		d.t.Errorf("%d mints, 2 are enough; %d calls for a token, of which %d may be refused", mints, tokens, refusals)
	}
	for _, broken := range d.sim.Violations() {
		d.t.Error(broken)
	}
	all := canaries{}
	all.addFixed()
	all.add("new app secret", newFirstSecret)
	if kinds := all.in(d.log.String()); kinds != nil {
		d.t.Errorf("the log tells %q", kinds)
	}
	d.t.Logf("%d queries, the slowest took %v; %d mints, %d calls for a token, %d looks at the secret",
		d.served.Load(), time.Duration(d.slowest.Load()).Round(time.Millisecond), mints, tokens, d.looks.Load())
}

// TestAppSecretIsRotatedUnderLoad puts the new secret into the secrets manager and then changes it at
// the vendor, which voids all tokens and tickets at once. The requests that meet that look.
func TestAppSecretIsRotatedUnderLoad(t *testing.T) {
	t.Parallel()
	d := startRotation(t)
	d.hold(secrets[firstApp], "")
	d.start(3, map[string]string{"KYC_SECRET": "", "SECRET_SOURCE": d.source})
	d.under(func() {
		d.more(300)
		d.hold(newFirstSecret, "")
		d.more(100)
		if n := d.looks.Load(); n != 3 {
			t.Errorf("%d looks before anything was refused, for 3 instances", n)
		}
		d.sim.SetSecret(firstApp, newFirstSecret)
		d.more(1500)
	})
	d.expectNoFailure("app secret")
	d.expectFew(len(d.instances))
	if n := d.looks.Load(); n != 6 {
		t.Errorf("%d looks, 3 at the start and 3 at the change are enough", n)
	}
}

// TestAppSecretIsRotatedAtLeisureUnderLoad has both secrets in the secrets manager meanwhile, so that
// instances may start, and nobody hurries.
func TestAppSecretIsRotatedAtLeisureUnderLoad(t *testing.T) {
	t.Parallel()
	d := startRotation(t)
	d.hold(secrets[firstApp], "")
	d.start(3, map[string]string{"KYC_SECRET": "", "SECRET_SOURCE": d.source})
	d.under(func() {
		d.more(300)
		d.hold(secrets[firstApp], newFirstSecret)
		d.replace(d.instances[0], nil) // it starts between the two changes
		d.more(300)
		d.sim.SetSecret(firstApp, newFirstSecret)
		d.more(600)
		d.replace(d.instances[1], nil) // and this one after both
		d.more(300)
		d.hold(newFirstSecret, "")
		d.replace(d.instances[2], nil)
		d.more(300)
	})
	d.expectNoFailure("app secret")
	d.expectFew(len(d.instances) + 1) // it starts with the old secret
}

// TestAppSecretIsRotatedByDeploymentUnderLoad has both secrets in the environment meanwhile.
func TestAppSecretIsRotatedByDeploymentUnderLoad(t *testing.T) {
	t.Parallel()
	d := startRotation(t)
	d.start(3, nil)
	d.under(func() {
		d.more(300)
		for _, in := range d.instances {
			d.replace(in, map[string]string{"KYC_APPS": firstApp + ":" + newFirstSecret})
			d.more(50)
		}
		d.sim.SetSecret(firstApp, newFirstSecret)
		d.more(600)
		for _, in := range d.instances {
			d.replace(in, map[string]string{"KYC_SECRET": newFirstSecret, "KYC_APPS": ""})
			d.more(50)
		}
		d.more(300)
	})
	d.expectNoFailure("app secret")
	d.expectFew(len(d.instances))
}

// TestAppSecretIsChangedAtTheVendorFirst is what cannot be helped: from the change until the secrets
// manager has the new secret requests fail, and say why. Then the instances recover by themselves.
func TestAppSecretIsChangedAtTheVendorFirst(t *testing.T) {
	t.Parallel()
	d := startRotation(t)
	d.hold(secrets[firstApp], "")
	d.start(2, map[string]string{"KYC_SECRET": "", "SECRET_SOURCE": d.source})
	const gap = 3 * time.Second
	var changed time.Time
	d.under(func() {
		d.more(200)
		d.expectNoFailure("before")
		d.sim.SetSecret(firstApp, newFirstSecret)
		wait(t.Context(), gap)
		failed := d.failures()
		if failed[0] == 0 || failed[1] == 0 {
			t.Errorf("%v failures: the vendor's change was not noticed", failed)
		}
		d.hold(newFirstSecret, "")
		changed = time.Now()
		wait(t.Context(), 3*time.Second)
		t.Logf("%d failed within the %v between the changes, %d after them", failed, gap, d.failures())
		d.more(500)
		d.expectNoFailure("after")
	})
	if last := time.Unix(0, d.failed.Load()).Sub(changed); last > 2*time.Second { // one, and a busy machine
		t.Errorf("requests failed for %v after the secret was there", last)
	} else {
		t.Logf("requests failed for %v after the secret was there", last.Round(time.Millisecond))
	}
	if told := d.told.Load(); told == nil || !contains(*told, "FailedOperation.Credential") {
		t.Error("callers are told something else than the reason")
	}
	if !contains(d.log.String(), "KYC_SECRET") {
		t.Error("the log does not say what to do")
	}
	// One look at the start, then one a second, while it is of use.
	if n, most := d.looks.Load(), int64(2*(1+int(gap/time.Second)+3)); n > most {
		t.Errorf("%d looks, %d are enough", n, most)
	}
	d.expectFew(4) // at once, and after 1, 2 and 4 s more
}
