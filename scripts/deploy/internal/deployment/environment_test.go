package deployment

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestReadEnvironment(t *testing.T) {
	file := "\ufeff# the function's variables\r\n" + `
KYC_APP_ID=IDA1
export KYC_SECRET="CANARY \"quoted\" \\ # not a comment" # a comment
CALLER_TOKENS='shop:CANARY-caller-token$HOME'
KYC_TIMEOUT = 3s # a comment
LOG_LEVEL=info
TENCENTCLOUD_SECRET_ID=AKID
TENCENTCLOUD_SECRET_KEY=CANARY-key
HOME_PAGE=x
`
	process := map[string]string{"LOG_LEVEL": "debug", "PATH": "/bin", "SCF_RUNTIME": "x"}
	lookup := func(name string) (string, bool) { value, ok := process[name]; return value, ok }
	e, err := ReadEnvironment(".env", strings.NewReader(file), lookup)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"KYC_APP_ID": "IDA1", "KYC_SECRET": `CANARY "quoted" \ # not a comment`, "CALLER_TOKENS": "shop:CANARY-caller-token$HOME",
		"KYC_TIMEOUT": "3s", "LOG_LEVEL": "debug",
	}
	if !maps.Equal(e.Values, want) || e.From["LOG_LEVEL"] != "the environment" || e.From["KYC_APP_ID"] != ".env" || !slices.Equal(e.Ignored, []string{"HOME_PAGE"}) {
		t.Errorf("got %+v", e)
	}
	if err := e.check(); err != nil {
		t.Error(err)
	}

	c := Credentials(strings.NewReader(file), lookup)
	if c["TENCENTCLOUD_SECRET_ID"] != "AKID" || c["TENCENTCLOUD_SECRET_KEY"] != "CANARY-key" {
		t.Error("no credentials from the file")
	}
	process["TENCENTCLOUD_SECRET_ID"] = "AKIDother"
	if c = Credentials(strings.NewReader(file), lookup); c["TENCENTCLOUD_SECRET_ID"] != "AKIDother" || c["TENCENTCLOUD_SECRET_KEY"] != "" {
		t.Error("credentials of two places are mixed")
	}
}

func TestEnvironmentProblems(t *testing.T) {
	file := `KYC_APP_ID=
KYC_APPID=CANARY
CANARY
1X=CANARY
KYC_SECRET="CANARY
LOG_LEVEL=info
LOG_LEVEL=CANARY
KYC_TIMEOUT='3s' CANARY
`
	_, err := ReadEnvironment("x.env", strings.NewReader(file), func(name string) (string, bool) { return " ", name == "TICKET_STORE" })
	want := `x.env, line 3: not of the form NAME=value
x.env, line 4: not of the form NAME=value
x.env, line 5: the quotes of KYC_SECRET do not match
x.env, line 7: LOG_LEVEL is there twice
x.env, line 8: the quotes of KYC_TIMEOUT do not match
x.env: KYC_APPID is not a variable of the function: misspelt?
KYC_APP_ID: empty in x.env, which the platform refuses: leave it out
TICKET_STORE: empty in the environment, which the platform refuses: leave it out`
	if fmt.Sprint(err) != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestNeedsRole(t *testing.T) {
	for value, want := range map[string]string{
		"SECRET_SOURCE=ssm://r/n": "SECRET_SOURCE", "TICKET_STORE=cos://b-1.r/p": "TICKET_STORE",
		"DELIVER_TO=https://h/p, cos://b-1.r/p": "DELIVER_TO", "DELIVER_TO=https://h/p": "",
	} {
		name, value, _ := strings.Cut(value, "=")
		if got := (Environment{Values: map[string]string{name: value}}).needsRole(); got != want {
			t.Errorf("%s=%s: %q, want %q", name, value, got, want)
		}
	}
}
