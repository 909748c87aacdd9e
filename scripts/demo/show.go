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
	noToken bool
	status  int
}

var steps = []step{
	{"a bank card", "/ocr/bankcard/order1", false, 200},
	{"with its photos", "/ocr/bankcard/order1?get_file=1", false, 200},
	{"an ID card, of the second app", "/ocr/idcard/order2?app_id=IDAdemo2", false, 200},
	{"the upstream's own path", "/api/server/getBankCardOcrResult?order_no=order1", false, 200},
	{"an order that does not exist", "/ocr/bankcard/notfound1", false, 404},
	{"no token", "/ocr/bankcard/order1", true, 401},
	{"a wrong order number", "/ocr/bankcard/order-1", false, 400},
	{"one photo as an image", "/ocr/bankcard/order1/photos/bankcardCropPhoto", false, 200},
	{"health", "/healthz", true, 200},
}

// show makes the requests of the demo and prints what came back.
func (s *side) show(ctx context.Context) error {
	fmt.Printf("\n== %s ==\n", s.name)
	for _, step := range steps {
		if err := s.step(ctx, step); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return s.minted()
}

func (s *side) step(ctx context.Context, step step) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+step.path, nil)
	if err != nil {
		return err
	}
	if !step.noToken {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s\n  GET %s\n  %s\n", step.what, step.path, response.Status)
	if response.StatusCode != step.status {
		return fmt.Errorf("status %d, expected %d: %s", response.StatusCode, step.status, body)
	}
	switch {
	case strings.HasPrefix(response.Header.Get("Content-Type"), "image/"):
		return savePhoto(filepath.Join(os.TempDir(), "kyc-ocr-relay-demo.jpg"), body)
	case strings.Contains(step.path, "get_file"):
		return printSizes(body)
	}
	fmt.Printf("  %s\n", body)
	return nil
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
