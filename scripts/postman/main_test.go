package main

import (
	"bytes"
	"os"
	"testing"
)

// The collection is that of openapi.yaml as it is.
func TestCollectionIsInStep(t *testing.T) {
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/examples/postman_collection.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), want) {
		t.Error("docs/examples/postman_collection.json is not what openapi.yaml gives: go run ./scripts/postman writes it anew")
	}
}
