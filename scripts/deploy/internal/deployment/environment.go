package deployment

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"kyc-ocr-relay/internal/config"
)

// Environment is what the function's variables are to be.
type Environment struct {
	Values map[string]string // by name
	From   map[string]string // where each is from, for the plan
	// Ignored are names in the file that are no variables of the function.
	Ignored []string
}

// Prefix is what stands before the function's routes: "" or "/segment…".
func (e Environment) Prefix() string {
	prefix := strings.Trim(e.Values["ROUTE_PREFIX"], "/ ")
	if prefix == "" {
		return ""
	}
	return "/" + prefix
}

var variableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// ReadEnvironment takes the function's variables from a .env file (nil: none) and from the process,
// which wins. Of the process only these variables are taken. The error joins all problems; no text
// holds a value.
func ReadEnvironment(name string, file io.Reader, lookup func(string) (string, bool)) (Environment, error) {
	e := Environment{Values: map[string]string{}, From: map[string]string{}}
	var problems []error
	given := map[string]string{}
	if file != nil {
		var err error
		if given, err = parseEnv(name, file); err != nil {
			problems = append(problems, err)
		}
	}
	known := config.Variables()
	for _, variable := range slices.Sorted(maps.Keys(given)) {
		switch {
		case slices.Contains(known, variable):
			e.Values[variable], e.From[variable] = given[variable], name
		case resembles(variable, known):
			problems = append(problems, fmt.Errorf("%s: %s is not a variable of the function: misspelt?", name, variable))
		case !slices.Contains(cloudVariables, variable):
			e.Ignored = append(e.Ignored, variable)
		}
	}
	for _, variable := range known {
		if value, ok := lookup(variable); ok {
			e.Values[variable], e.From[variable] = value, "the environment"
		}
	}
	for _, variable := range known {
		if value, ok := e.Values[variable]; ok && strings.TrimSpace(value) == "" {
			problems = append(problems, fmt.Errorf("%s: empty in %s, which the platform refuses: leave it out", variable, e.From[variable]))
		}
	}
	return e, errors.Join(problems...)
}

// resembles reports whether name begins as the function's variables do.
func resembles(name string, known []string) bool {
	family, _, ok := strings.Cut(name, "_")
	return ok && slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, family+"_") })
}

// parseEnv reads lines of NAME=value. Values may be quoted: literally by ', and with \n, \" and \\
// by ". Without quotes they end at " #".
func parseEnv(name string, file io.Reader) (map[string]string, error) {
	values := map[string]string{}
	var problems []error
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		key = strings.TrimSpace(key)
		value, fine := unquote(strings.TrimSpace(value))
		switch {
		case !ok || !variableName.MatchString(key):
			problems = append(problems, fmt.Errorf("%s, line %d: not of the form NAME=value", name, n))
		case !fine:
			problems = append(problems, fmt.Errorf("%s, line %d: the quotes of %s do not match", name, n, key))
		case contains(values, key):
			problems = append(problems, fmt.Errorf("%s, line %d: %s is there twice", name, n, key))
		default:
			values[key] = value
		}
	}
	if lines.Err() != nil {
		problems = append(problems, fmt.Errorf("%s: cannot be read as text", name))
	}
	return values, errors.Join(problems...)
}

func contains(values map[string]string, key string) bool { _, ok := values[key]; return ok }

func unquote(text string) (string, bool) {
	if text == "" || text[0] != '"' && text[0] != '\'' {
		text, _, _ = strings.Cut(text, " #")
		return strings.TrimSpace(text), true
	}
	quote, rest := text[0], text[1:]
	var value strings.Builder
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == quote:
			after := strings.TrimSpace(rest[i+1:])
			return value.String(), after == "" || after[0] == '#'
		case c == '\\' && quote == '"' && i+1 < len(rest):
			i++
			if c = rest[i]; c == 'n' {
				c = '\n'
			}
			value.WriteByte(c)
		default:
			value.WriteByte(c)
		}
	}
	return "", false
}

// check reports what the function itself would report at its first request, and what it needs.
func (e Environment) check() error {
	_, err := config.Parse(e.Values)
	if err == nil || e.Values["SECRET_SOURCE"] == "" {
		return err
	}
	// What is missing here may be in the secret: only what is set can be wrong.
	var problems []error
	for line := range strings.Lines(err.Error()) {
		name, _, _ := strings.Cut(line, ":")
		if contains(e.Values, name) {
			problems = append(problems, errors.New(strings.TrimSuffix(line, "\n")))
		}
	}
	return errors.Join(problems...)
}

// needsRole reports which variable wants an execution role; "" means none does.
func (e Environment) needsRole() string {
	if e.Values["SECRET_SOURCE"] != "" {
		return "SECRET_SOURCE"
	}
	for _, variable := range []string{"TICKET_STORE", "DELIVER_TO"} {
		if strings.Contains(e.Values[variable], "cos://") {
			return variable
		}
	}
	return ""
}

// size is what counts against the platform's 4 KB.
func size(values map[string]string) (n int) {
	for name, value := range values {
		n += len(name) + len(value)
	}
	return n
}

// hidden are the texts that nothing printed may hold: the values of variables with secrets in them,
// and their parts.
func hidden(values map[string]string) (texts []string) {
	for _, variable := range []string{"KYC_SECRET", "KYC_APPS", "CALLER_TOKENS", "DELIVER_TO", "DELIVER_SECRET", "TICKET_STORE"} {
		value := values[variable]
		parts := strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(",:@/?& ", r) })
		texts = append(append(texts, parts...), value)
	}
	return texts
}

// isOurs reports whether name is a variable of the function. Others are left alone.
func isOurs(name string) bool { return slices.Contains(config.Variables(), name) }

// Credentials takes the variables TENCENTCLOUD_… of the cloud's tools from the process or, where it has
// no TENCENTCLOUD_SECRET_ID, from a .env file. What cannot be read of that, ReadEnvironment reports.
func Credentials(file io.Reader, lookup func(string) (string, bool)) map[string]string {
	values, _ := parseEnv("", file)
	id, inProcess := lookup("TENCENTCLOUD_SECRET_ID")
	for _, name := range cloudVariables {
		value, ok := lookup(name)
		if inProcess && id != "" && name != "TENCENTCLOUD_REGION" || ok && value != "" {
			values[name] = value
		}
	}
	return values
}

var cloudVariables = []string{"TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY", "TENCENTCLOUD_TOKEN", "TENCENTCLOUD_REGION"}
