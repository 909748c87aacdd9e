package config

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/kelseyhightower/envconfig"
)

// environment is the contract's table: one field a variable, its name and its default in
// envconfig's tags. Every field is text, so that reading never stops at the first problem.
type environment struct {
	AppID         string `envconfig:"KYC_APP_ID"`
	Secret        string `envconfig:"KYC_SECRET"`
	Apps          string `envconfig:"KYC_APPS"`
	BaseURL       string `envconfig:"KYC_BASE_URL" default:"https://miniprogram-kyc.tencentcloudapi.com"`
	Timeout       string `envconfig:"KYC_TIMEOUT" default:"5s"`
	Refresh       string `envconfig:"TICKET_REFRESH" default:"20m"`
	Overlap       string `envconfig:"TICKET_OVERLAP" default:"1m"`
	Store         string `envconfig:"TICKET_STORE" default:"memory"`
	CallerAuth    string `envconfig:"CALLER_AUTH" default:"token"`
	CallerTokens  string `envconfig:"CALLER_TOKENS"`
	CallerScopes  string `envconfig:"CALLER_SCOPES"`
	CallerApps    string `envconfig:"CALLER_APPS"`
	DeliverTo     string `envconfig:"DELIVER_TO"`
	DeliverSecret string `envconfig:"DELIVER_SECRET"`
	SecretSource  string `envconfig:"SECRET_SOURCE"`
	RoutePrefix   string `envconfig:"ROUTE_PREFIX"`
	LogLevel      string `envconfig:"LOG_LEVEL" default:"info"`
}

// lookup returns a variable's value, "" where it has none.
type lookup func(variable string) string

// read gives each variable the first value that is not blank, in the order of from, or its
// default. White space around it is dropped: the platform refuses empty values, consoles and
// .env files produce them.
func read(from ...lookup) (env environment) {
	v := reflect.ValueOf(&env).Elem()
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		text := ""
		for _, get := range from {
			if text = strings.TrimSpace(get(tag.Get("envconfig"))); text != "" {
				break
			}
		}
		if text == "" {
			text = tag.Get("default")
		}
		v.Field(i).SetString(text)
	}
	return env
}

// process returns the environment of the process, as envconfig finds it there.
func process() lookup {
	env := new(environment)
	if err := envconfig.Process("", env); err != nil {
		panic(err) // text has no wrong form
	}
	v := reflect.ValueOf(env).Elem()
	return func(variable string) string {
		if _, given := os.LookupEnv(variable); !given {
			return "" // and no default, as SECRET_SOURCE goes before that
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("envconfig") == variable {
				return v.Field(i).String()
			}
		}
		return ""
	}
}

// Variables returns the names of all variables, in the order of the contract.
func Variables() []string {
	typ := reflect.TypeFor[environment]()
	names := make([]string, typ.NumField())
	for i := range names {
		names[i] = typ.Field(i).Tag.Get("envconfig")
	}
	return names
}

// Values returns what each variable holds, as Parse takes it.
func Values(getenv func(string) string) map[string]string {
	values := map[string]string{}
	for _, name := range Variables() {
		values[name] = getenv(name)
	}
	return values
}

// Usage writes one line for each variable: its name and its default.
func Usage(to io.Writer) error {
	const lines = `{{range .}}  {{usage_key .}}{{with usage_default .}} (default {{.}}){{end}}{{"\n"}}{{end}}`
	if err := envconfig.Usagef("", new(environment), to, lines); err != nil {
		return fmt.Errorf("the variables: %w", err)
	}
	return nil
}
