package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The example of the signature's own document (1278/46710 and its like).
func TestSignatureOfTheDocument(t *testing.T) {
	body := []byte(`{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`)
	r := httptest.NewRequest("POST", "https://cvm.tencentcloudapi.com/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	got := sign("Gu5t9xGARNpq86cd98joQYCN3EXAMPLE", r, body, time.Unix(1551113065, 0), "cvm", []string{"content-type", "host"})
	if want := "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// request makes a signed request, which change may spoil, and returns the error's code.
func (s *Server) request(action, body string, change func(*http.Request)) string {
	at := s.now()
	r := httptest.NewRequest("POST", "http://scf.tencentcloudapi.com/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-TC-Action", action)
	r.Header.Set("X-TC-Version", "2018-04-16")
	r.Header.Set("X-TC-Region", "ap-guangzhou")
	r.Header.Set("X-TC-Timestamp", fmt.Sprint(at.Unix()))
	signature := sign("key", r, []byte(body), at, "scf", []string{"content-type", "host"})
	r.Header.Set("Authorization", "TC3-HMAC-SHA256 Credential=AKID/"+at.UTC().Format(time.DateOnly)+"/scf/tc3_request, SignedHeaders=content-type;host, Signature="+signature)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var answer struct {
		Response struct{ Error struct{ Code string } }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		return "not JSON"
	}
	return answer.Response.Error.Code
}

func TestRefusals(t *testing.T) {
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for _, test := range []struct {
		name, action, body string
		change             func(*http.Request)
		want               string
	}{
		{"fine", "GetFunction", `{"FunctionName":"f"}`, nil, ""},
		{"another body", "GetFunction", `{"FunctionName":"f"}`, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"FunctionName":"g"}`)) }, "AuthFailure.SignatureFailure"},
		{"another host", "GetFunction", `{"FunctionName":"f"}`, func(r *http.Request) { r.Host = "ssm.tencentcloudapi.com" }, "AuthFailure.SignatureFailure"},
		{"another type", "GetFunction", `{"FunctionName":"f"}`, header("Content-Type", "text/plain"), "AuthFailure.SignatureFailure"},
		{"another time", "GetFunction", `{"FunctionName":"f"}`, header("X-TC-Timestamp", "1551113065"), "AuthFailure.SignatureExpire"},
		{"no time", "GetFunction", `{"FunctionName":"f"}`, header("X-TC-Timestamp", ""), "MissingParameter"},
		{"a token", "GetFunction", `{"FunctionName":"f"}`, header("X-TC-Token", "t"), "AuthFailure.TokenFailure"},
		{"unsigned", "GetFunction", `{"FunctionName":"f"}`, header("Authorization", "SKIP"), "AuthFailure.InvalidAuthorization"},
		{"another version", "GetFunction", `{"FunctionName":"f"}`, header("X-TC-Version", "2017-01-01"), "NoSuchVersion"},
		{"no region", "GetFunction", `{"FunctionName":"f"}`, header("X-TC-Region", ""), "MissingParameter"},
		{"another action", "DeleteFunction", `{"FunctionName":"f"}`, nil, "InvalidAction"},
		{"a parameter that is none", "GetFunction", `{"Function":"f"}`, nil, "UnknownParameter"},
		{"another method", "GetFunction", "", func(r *http.Request) { r.Method = "GET" }, "InvalidParameter"},
		{"no function", "GetFunction", `{"FunctionName":"g"}`, nil, "ResourceNotFound.Function"},
		{"an empty value", "UpdateFunctionConfiguration", `{"FunctionName":"f","Environment":{"Variables":[{"Key":"A","Value":""}]}}`, nil, "InvalidParameterValue.Environment"},
		{"a name of the system", "UpdateFunctionConfiguration", `{"FunctionName":"f","Environment":{"Variables":[{"Key":"SCF_A","Value":"1"}]}}`, nil, "InvalidParameterValue.EnvironmentSystemProtect"},
		{"more than 4 KB", "UpdateFunctionConfiguration", `{"FunctionName":"f","Environment":{"Variables":[{"Key":"A","Value":"` + strings.Repeat("x", 4096) + `"}]}}`, nil, "InvalidParameterValue.EnvironmentExceededLimit"},
		{"a description with a colon", "UpdateFunctionConfiguration", `{"FunctionName":"f","Description":"sha256:1"}`, nil, "InvalidParameterValue.Description"},
		{"a memory in between", "UpdateFunctionConfiguration", `{"FunctionName":"f","MemorySize":100}`, nil, "InvalidParameterValue.MemorySize"},
		{"a role that is none", "UpdateFunctionConfiguration", `{"FunctionName":"f","Role":"r"}`, nil, "ResourceNotFound.Role"},
		{"not a zip", "UpdateFunctionCode", `{"FunctionName":"f","Code":{"ZipFile":"QQ=="}}`, nil, "InvalidParameterValue.ZipFile"},
		{"a timer of 5 fields", "CreateTrigger", `{"FunctionName":"f","TriggerName":"t","Type":"timer","TriggerDesc":"* * * * *","Qualifier":"$DEFAULT","Enable":"OPEN"}`, nil, "InvalidParameterValue.TriggerDesc"},
		{"a weight in percent", "UpdateAlias", `{"FunctionName":"f","Name":"$DEFAULT","FunctionVersion":"$LATEST","RoutingConfig":{"AdditionalVersionWeights":[{"Version":"1","Weight":10}]}}`, nil, "InvalidParameterValue.AdditionalVersionWeights"},
		{"a version that is none", "UpdateAlias", `{"FunctionName":"f","Name":"$DEFAULT","FunctionVersion":"7"}`, nil, "ResourceNotFound.FunctionVersion"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := New(Config{SecretID: "AKID", SecretKey: "key"})
			s.Put(Version{Name: "f", Type: "Event"})
			if got := s.request(test.action, test.body, test.change); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// While a change is under way others are refused, for as many looks as configured.
func TestTransition(t *testing.T) {
	s := New(Config{SecretID: "AKID", SecretKey: "key", Polls: 2})
	s.Put(Version{Name: "f", Type: "Event"})
	const busy = "FailedOperation.FunctionStatusError"
	change := func() string {
		return s.request("UpdateFunctionConfiguration", `{"FunctionName":"f","Timeout":9}`, nil)
	}
	look := func() { s.request("GetFunction", `{"FunctionName":"f"}`, nil) }
	if got := change(); got != "" {
		t.Fatal(got)
	}
	if got := change(); got != busy {
		t.Errorf("at once: %q", got)
	}
	look()
	if got := change(); got != busy {
		t.Errorf("after a look: %q", got)
	}
	look()
	s.Fail("UpdateFunctionConfiguration", "RequestLimitExceeded", 1)
	if got := change(); got != "RequestLimitExceeded" {
		t.Errorf("with a fault: %q", got)
	}
	if got := change(); got != "" {
		t.Errorf("after two looks: %q", got)
	}
}
