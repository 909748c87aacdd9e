package examples

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	kubejson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// manifests are the objects of kubernetes.yaml.
type manifests struct {
	deployment apps.Deployment
	service    core.Service
	timer      batch.CronJob
}

// strict decodes an object as the API server does when it is asked to be strict: an unknown field, one in
// another case or given twice, and a value of another type are errors. What the server checks besides,
// such as names that lead to nothing, is not checked.
func strict(part []byte, object any) error {
	text, err := yaml.YAMLToJSONStrict(part)
	if err != nil {
		return err
	}
	unknown, err := kubejson.UnmarshalStrict(text, object)
	return errors.Join(append(unknown, err)...)
}

// readManifests decodes kubernetes.yaml.
func readManifests(t *testing.T) (m manifests) {
	t.Helper()
	for part := range bytes.SplitSeq(read(t, "kubernetes.yaml"), []byte("\n---\n")) {
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(part, &head); err != nil {
			t.Fatal(err)
		}
		var object any
		switch head.APIVersion + " " + head.Kind {
		case "apps/v1 Deployment":
			object = &m.deployment
		case "v1 Service":
			object = &m.service
		case "batch/v1 CronJob":
			object = &m.timer
		default:
			t.Fatalf("%+v: not expected", head)
		}
		if err := strict(part, object); err != nil {
			t.Errorf("%s: %v", head.Kind, err)
		}
	}
	if m.deployment.Name == "" || m.service.Name == "" || m.timer.Name == "" {
		t.Fatal("an object is missing")
	}
	return m
}

func TestMisspeltManifestIsNoticed(t *testing.T) {
	text := bytes.Replace(read(t, "kubernetes.yaml"), []byte("readOnlyRootFilesystem"), []byte("readOnlyRootFileSystem"), 1)
	part, _, _ := bytes.Cut(text, []byte("\n---\n"))
	if err := strict(part, new(apps.Deployment)); err == nil || !strings.Contains(err.Error(), "readOnlyRootFileSystem") {
		t.Errorf("got %v", err)
	}
}

func TestPodsMayDoNothingElse(t *testing.T) {
	m := readManifests(t)
	for name, spec := range map[string]core.PodSpec{
		"Deployment": m.deployment.Spec.Template.Spec,
		"CronJob":    m.timer.Spec.JobTemplate.Spec.Template.Spec,
	} {
		id, yes, no := int64(65532), true, false // the user of the image
		if diff := cmp.Diff(&core.PodSecurityContext{
			RunAsNonRoot: &yes, RunAsUser: &id, RunAsGroup: &id,
			SeccompProfile: &core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault},
		}, spec.SecurityContext); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if len(spec.Containers) != 1 || len(spec.Volumes) != 0 || spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
			t.Fatalf("%s: %+v", name, spec)
		}
		if diff := cmp.Diff(&core.SecurityContext{
			AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes,
			Capabilities: &core.Capabilities{Drop: []core.Capability{"ALL"}},
		}, spec.Containers[0].SecurityContext); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if spec.Containers[0].Resources.Limits.Memory().IsZero() {
			t.Errorf("%s has no memory limit", name)
		}
	}
}

func TestServiceReachesTheRelay(t *testing.T) {
	m := readManifests(t)
	pod := m.deployment.Spec.Template
	if diff := cmp.Diff(m.service.Spec.Selector, pod.Labels); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(m.deployment.Spec.Selector.MatchLabels, pod.Labels); diff != "" {
		t.Error(diff)
	}
	c := pod.Spec.Containers[0]
	if diff := cmp.Diff([]core.ContainerPort{{Name: "http", ContainerPort: 9000}}, c.Ports); diff != "" {
		t.Error(diff)
	}
	if p := m.service.Spec.Ports; len(p) != 1 || p[0].Port != 80 || p[0].TargetPort.StrVal != c.Ports[0].Name {
		t.Errorf("ports of the Service: %+v", p)
	}
	if to := c.LivenessProbe.TCPSocket; to == nil || to.Port.StrVal != c.Ports[0].Name {
		t.Errorf("liveness probe: %+v", c.LivenessProbe)
	}
	ready := c.ReadinessProbe.HTTPGet
	if ready == nil || ready.Port.StrVal != c.Ports[0].Name {
		t.Fatalf("readiness probe: %+v", c.ReadinessProbe)
	}
	good, _ := relay(t, map[string]string{"CALLER_TOKENS": "shop:shop-token-0123456789"})
	if w := get(good, ready.Path, ""); w.Code != 200 {
		t.Errorf("a relay with good settings: %d %s", w.Code, w.Body)
	}
	bad, _ := relay(t, nil)
	if w := get(bad, ready.Path, ""); w.Code < 500 {
		t.Errorf("a relay with bad settings: %d %s", w.Code, w.Body)
	}
}

// TestTimerRenews sends what the CronJob sends, and sees that it renews a pair when that is due and no
// sooner.
func TestTimerRenews(t *testing.T) {
	m := readManifests(t)
	c := m.timer.Spec.JobTemplate.Spec.Template.Spec.Containers[0]
	const token = "timer-token-0123456789"
	if len(c.Env) != 1 || c.Env[0].Name != "TOKEN" || c.Env[0].ValueFrom.SecretKeyRef == nil {
		t.Fatalf("environment: %+v", c.Env)
	}
	to, err := url.Parse(c.Args[len(c.Args)-1])
	if err != nil || to.Scheme != "http" || to.Host != m.service.Name {
		t.Fatalf("it asks %s, not the Service: %v", to, err)
	}
	header := c.Args[slices.Index(c.Args, "--header")+1]
	authorization, ok := strings.CutPrefix(strings.ReplaceAll(header, "$(TOKEN)", token), "Authorization: ")
	if !ok {
		t.Fatalf("header %q", header)
	}
	for _, want := range []string{"--fail", "--silent"} { // a failure fails the job; the log gets no token
		if !slices.Contains(c.Args, want) {
			t.Errorf("curl has no %s", want)
		}
	}
	if to := c.Args[slices.Index(c.Args, "--output")+1]; to != "/dev/null" {
		t.Errorf("the token goes to %s", to)
	}

	const refresh = 2 * time.Second
	web, upstream := relay(t, map[string]string{
		"CALLER_TOKENS": "timer:" + token, "CALLER_SCOPES": "timer:ticket",
		"TICKET_REFRESH": refresh.String(), "TICKET_OVERLAP": "1s",
	})
	if w := get(web, to.Path, "Bearer another-token-0123456789"); w.Code != 401 {
		t.Errorf("with another token: %d", w.Code)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for len(upstream.Mints(app)) < 3 {
		if w := get(web, to.Path, authorization); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("after %d mints: %v", len(upstream.Mints(app)), ctx.Err())
		case <-time.After(refresh / 50):
		}
	}
	mints := upstream.Mints(app)
	for i := 1; i < len(mints); i++ {
		if apart := mints[i].Sub(mints[i-1]); apart < refresh*9/10 {
			t.Errorf("renewed after %v: not due", apart)
		}
	}
	if broken := upstream.Violations(); len(broken) > 0 {
		t.Errorf("rules of the upstream: %q", broken)
	}
}
