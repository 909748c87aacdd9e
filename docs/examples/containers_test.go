package examples

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	scf "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/scf/v20180416"
)

// containerConfig is container.config.json as WeChat CloudBase Run documents it
// (developers.weixin.qq.com/miniprogram/dev/wxcloudrun/src/basic/config.html, 2026-11).
type containerConfig struct {
	ContainerPort       int               `json:"containerPort"`
	DockerfilePath      string            `json:"dockerfilePath"`
	BuildDir            string            `json:"buildDir"`
	MinNum              int               `json:"minNum"`
	MaxNum              int               `json:"maxNum"`
	CPU                 float64           `json:"cpu"`
	Mem                 float64           `json:"mem"`
	PolicyType          string            `json:"policyType"`
	PolicyThreshold     int               `json:"policyThreshold"`
	EnvParams           map[string]string `json:"envParams"`
	CustomLogs          string            `json:"customLogs"`
	InitialDelaySeconds int               `json:"initialDelaySeconds"`
}

func TestCloudBaseRun(t *testing.T) {
	var c containerConfig
	decode(t, read(t, "cloudbaserun/container.config.json"), &c)
	want := containerConfig{
		ContainerPort: 9000, DockerfilePath: "Dockerfile",
		MinNum: 1, MaxNum: 5, // at 0 it sleeps after half an hour, and the pair with it
		CPU: 0.25, Mem: 0.5, // one of the sizes that are sold
		PolicyType: "cpu", PolicyThreshold: 60, EnvParams: map[string]string{}, CustomLogs: "stdout", InitialDelaySeconds: 2,
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
	// The image has no shell, so that nothing can be run on top of it.
	if text := string(read(t, "cloudbaserun/"+c.DockerfilePath)); text != "FROM REGISTRY/kyc-ocr-relay@DIGEST\n" {
		t.Errorf("Dockerfile: %q", text)
	}
}

// TestSCFImage holds the bodies of the two calls to the types of the cloud's SDK.
func TestSCFImage(t *testing.T) {
	var f scf.CreateFunctionRequest
	decode(t, read(t, "scf-image/function.json"), &f)
	code := f.Code.ImageConfig
	if *f.Type != "HTTP" || *code.ImagePort != 9000 || *code.ImageType != "personal" || !strings.HasSuffix(*code.ImageUri, ":TAG@DIGEST") {
		t.Errorf("function: %s", f.ToJsonString())
	}
	if *f.Timeout <= 30 { // the relay's own limit of a request
		t.Errorf("time limit %d s", *f.Timeout)
	}
	var url scf.CreateTriggerRequest
	decode(t, read(t, "scf-image/url.json"), &url)
	if *url.FunctionName != *f.FunctionName || *url.Type != "http" || *url.Enable != "OPEN" {
		t.Errorf("trigger: %s", url.ToJsonString())
	}
	var desc struct {
		AuthType  string
		NetConfig struct{ EnableIntranet, EnableExtranet bool }
	}
	decode(t, []byte(*url.TriggerDesc), &desc)
	if desc.AuthType != "NONE" || !desc.NetConfig.EnableExtranet {
		t.Errorf("trigger: %+v", desc)
	}
	// A member that is misspelt somewhere below is noticed.
	d := json.NewDecoder(strings.NewReader(strings.Replace(string(read(t, "scf-image/function.json")), "ImageUri", "ImageURL", 1)))
	d.DisallowUnknownFields()
	if err := d.Decode(new(scf.CreateFunctionRequest)); err == nil {
		t.Error("ImageURL was accepted")
	}
}
