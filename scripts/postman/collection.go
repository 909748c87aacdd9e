package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"kyc-ocr-relay/internal/openapi"
)

// What follows are the members of Postman's collection format v2.1 that are used here.

type collection struct {
	Info     info     `json:"info"`
	Auth     auth     `json:"auth"`
	Event    []event  `json:"event"`
	Variable []pair   `json:"variable"`
	Item     []folder `json:"item"`
}

type info struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Schema      string `json:"schema"`
}

type auth struct {
	Type   string `json:"type"`
	Bearer []pair `json:"bearer,omitempty"`
}

type pair struct {
	Key         string `json:"key"`
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
	Disabled    bool   `json:"disabled,omitempty"`
}

type event struct {
	Listen string `json:"listen"`
	Script struct {
		Type string   `json:"type"`
		Exec []string `json:"exec"`
	} `json:"script"`
}

type folder struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Item        []item `json:"item"`
}

type item struct {
	Name    string  `json:"name"`
	Request request `json:"request"`
}

type request struct {
	Method      string `json:"method"`
	Description string `json:"description"`
	Auth        *auth  `json:"auth,omitempty"`
	Header      []pair `json:"header"`
	URL         url    `json:"url"`
	Body        *body  `json:"body,omitempty"`
}

type url struct {
	Raw      string   `json:"raw"`
	Host     []string `json:"host"`
	Path     []string `json:"path"`
	Query    []pair   `json:"query,omitempty"`
	Variable []pair   `json:"variable,omitempty"`
}

type body struct {
	Mode string `json:"mode"`
	Raw  string `json:"raw"`
}

// newCollection has a folder for each tag, in the document's order, with its requests by their paths.
func newCollection(doc *openapi.Document) collection {
	c := collection{
		Info: info{doc.Info.Title, doc.Info.Summary, "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
		Auth: auth{"bearer", []pair{{Key: "token", Value: "{{token}}"}}},
		Variable: []pair{
			{Key: "baseUrl", Value: "http://127.0.0.1:9000", Description: "the Function URL, or what the demo prints"},
			{Key: "token", Value: "demo-token-0123456789", Description: "one of CALLER_TOKENS"},
			{Key: "app_id", Value: "IDAdemo1", Description: "the WBappid"},
		},
	}
	test := event{Listen: "test"}
	test.Script.Type = "text/javascript"
	test.Script.Exec = []string{`pm.test("status 200", () => pm.response.to.have.status(200))`}
	c.Event = []event{test}
	for _, tag := range doc.Tags {
		f := folder{Name: tag.Name, Description: tag.Description}
		for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
			if method, operation := doc.Operation(path); slices.Contains(operation.Tags, tag.Name) {
				f.Item = append(f.Item, items(method, path, operation)...)
			}
		}
		c.Item = append(c.Item, f)
	}
	return c
}

// items are the requests of an operation: one for each example of its body.
func items(method, path string, operation *openapi3.Operation) (list []item) {
	one := item{operation.Summary, request{
		Method: method, Description: strings.TrimSpace(operation.Description), Header: []pair{}, URL: newURL(path, operation.Parameters),
	}}
	if operation.Security != nil && len(*operation.Security) == 0 {
		one.Request.Auth = &auth{Type: "noauth"}
	}
	if operation.RequestBody == nil {
		return []item{one}
	}
	one.Request.Header = []pair{{Key: "Content-Type", Value: "application/json"}}
	examples := operation.RequestBody.Value.Content["application/json"].Examples
	for _, name := range slices.Sorted(maps.Keys(examples)) {
		example := examples[name].Value
		with := one
		with.Name = fmt.Sprintf("%s: %s", operation.Summary, example.Summary)
		with.Request.Body = &body{"raw", rawBody(example.Value.(map[string]any))}
		list = append(list, with)
	}
	return list
}

// newURL fills the parameters in. Those that may be left out are there, and switched off.
func newURL(path string, parameters openapi3.Parameters) url {
	u := url{Host: []string{"{{baseUrl}}"}}
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			segment = ":" + strings.TrimSuffix(name, "}")
		}
		u.Path = append(u.Path, segment)
	}
	var query []string
	for _, p := range parameters {
		v := pair{Key: p.Value.Name, Value: value(p.Value), Description: p.Value.Description}
		if p.Value.In == openapi3.ParameterInPath {
			u.Variable = append(u.Variable, v)
			continue
		}
		if v.Disabled = !p.Value.Required; !v.Disabled {
			query = append(query, v.Key+"="+v.Value)
		}
		u.Query = append(u.Query, v)
	}
	u.Raw = "{{baseUrl}}/" + strings.Join(u.Path, "/")
	if len(query) > 0 {
		u.Raw += "?" + strings.Join(query, "&")
	}
	return u
}

// value is the example of a parameter, or the first that it may have.
func value(p *openapi3.Parameter) string {
	switch {
	case p.Name == "app_id":
		return "{{app_id}}"
	case p.Example != nil:
		return fmt.Sprint(p.Example)
	case len(p.Schema.Value.Enum) > 0:
		return fmt.Sprint(p.Schema.Value.Enum[0])
	}
	return ""
}

// rawBody is the example for the collection's app. Each time that it is sent it has an order number of its
// own: an upload and a start use theirs up.
func rawBody(example map[string]any) string {
	filled := maps.Clone(example)
	for name, v := range filled {
		switch name {
		case "app_id", "appId", "webankAppId":
			filled[name] = "{{app_id}}"
		case "order_no", "orderNo":
			filled[name] = fmt.Sprint(v, "{{$timestamp}}")
		}
	}
	var b bytes.Buffer
	to := json.NewEncoder(&b)
	to.SetEscapeHTML(false)
	to.SetIndent("", "  ")
	if err := to.Encode(filled); err != nil {
		panic(err) // it came from text
	}
	return strings.TrimSpace(b.String())
}
