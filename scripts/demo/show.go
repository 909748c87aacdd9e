package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	_ "image/jpeg"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// step is one request and the status that it must have.
type step struct {
	what    string
	path    string
	body    string // of a POST, "" for a GET
	noToken bool
	status  int
}

var steps = []step{
	{what: "a bank card", path: "/ocr/bankcard/order1", status: 200},
	{what: "with its photos", path: "/ocr/bankcard/order1?get_file=1", status: 200},
	{what: "an ID card, of the second app", path: "/ocr/idcard/order2?app_id=IDAdemo2", status: 200},
	{what: "the upstream's own path", path: "/api/server/getBankCardOcrResult?order_no=order1", status: 200},
	{what: "an order that does not exist", path: "/ocr/bankcard/notfound1", status: 404},
	{what: "no token", path: "/ocr/bankcard/order1", noToken: true, status: 401},
	{what: "a wrong order number", path: "/ocr/bankcard/order-1", status: 400},
	{what: "one photo as an image", path: "/ocr/bankcard/order1/photos/bankcardCropPhoto", status: 200},
	{what: "health", path: "/healthz", noToken: true, status: 200},
}

// show makes the requests of the demo and prints what came back.
func (s *side) show(ctx context.Context) error {
	fmt.Printf("\n== %s ==\n", s.name)
	for _, step := range steps {
		if _, err := s.step(ctx, step); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	if err := s.flow(ctx); err != nil {
		return err
	}
	return s.minted()
}

// step makes one request, prints what came back and returns its body.
func (s *side) step(ctx context.Context, step step) ([]byte, error) {
	method := http.MethodGet
	if step.body != "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(ctx, method, s.url+step.path, strings.NewReader(step.body))
	if err != nil {
		return nil, err
	}
	if !step.noToken {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	fmt.Printf("\n%s\n  %s %s\n", step.what, method, step.path)
	if step.body != "" {
		fmt.Printf("  %s\n", step.body)
	}
	fmt.Printf("  %s\n", response.Status)
	if response.StatusCode != step.status {
		return nil, fmt.Errorf("status %d, expected %d: %s", response.StatusCode, step.status, body)
	}
	switch typ := response.Header.Get("Content-Type"); {
	case strings.HasPrefix(typ, "image/"):
		return body, savePhoto(filepath.Join(os.TempDir(), "kyc-ocr-relay-demo.jpg"), body)
	case strings.HasPrefix(typ, "video/"):
		fmt.Printf("  %s, %d bytes\n", typ, len(body))
		return body, nil
	case strings.Contains(step.path, "get_file"):
		return body, printSizes(body)
	}
	fmt.Printf("  %s\n", body)
	return body, nil
}

// printSizes prints a result with its photos as sizes.
func printSizes(body []byte) error {
	var answer struct {
		Code   string
		Result map[string]any
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	fmt.Printf("  %d bytes of JSON, code %s, with\n", len(body), answer.Code)
	var photos []string
	for name, value := range answer.Result {
		if text, ok := value.(string); ok && len(text) > 200 {
			photo, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			photos = append(photos, fmt.Sprintf("  %-20s %6d bytes, %s", name, len(photo), http.DetectContentType(photo)))
		}
	}
	if len(photos) == 0 {
		return fmt.Errorf("no photos")
	}
	sort.Strings(photos)
	fmt.Println(strings.Join(photos, "\n"))
	return nil
}

// savePhoto writes an image to a file, and reads that as an image.
func savePhoto(path string, body []byte) error {
	if err := os.WriteFile(path, body, 0o600); err != nil {
		return err
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(body))
	if err != nil {
		return err
	}
	fmt.Printf("  saved as %s: %s, %dx%d, %d bytes\n", path, format, config.Width, config.Height, len(body))
	return nil
}
