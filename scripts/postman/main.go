// Command postman writes docs/examples/postman_collection.json from openapi.yaml: a request for every
// operation, and for every example of a body, with the test that the answer's status is 200.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"

	"kyc-ocr-relay/internal/openapi"
	"kyc-ocr-relay/scripts/internal/command"
)

var usage = command.Usage{
	Name:    "postman",
	Does:    "Writes the Postman collection anew from openapi.yaml, which a test wants after each change of that.",
	Example: "go run ./scripts/postman",
}

func main() {
	os.Exit(usage.Report(run(os.Args[1:], os.Stdout), command.NewScreen(os.Stderr)))
}

func run(arguments []string, stdout io.Writer) error {
	flags := new(flag.FlagSet)
	out := flags.String("out", "docs/examples/postman_collection.json", "the `file` to write")
	if _, err := usage.Parse(flags, arguments, stdout); err != nil {
		return err
	}
	if err := command.InProject(); err != nil {
		return err
	}
	text, err := generate()
	if err != nil {
		return err
	}
	err = os.WriteFile(*out, text, 0o644) // #nosec G306 -- has no secret
	if err != nil {
		return fmt.Errorf("-out: %w", err)
	}
	fmt.Fprintf(stdout, "%s: %d bytes\n", *out, len(text))
	return nil
}

// generate returns the collection of the project's openapi.yaml.
func generate() ([]byte, error) {
	text, err := openapi.Text()
	if err != nil {
		return nil, err
	}
	doc, err := openapi.Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	to := json.NewEncoder(&b)
	to.SetEscapeHTML(false)
	to.SetIndent("", " ")
	if err := to.Encode(newCollection(doc)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
