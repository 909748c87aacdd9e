package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"kyc-ocr-relay/internal/gateway"
	"kyc-ocr-relay/scripts/demo/internal/page"
)

// orderEvent is what a backend invokes the function with when an OCR has completed. The
// photos of this order follow a second later: the function waits for them.
const orderEvent = `{"action":"deliver","type":"bankcard","order_no":"late1"}`

// deliver sends the event after an OCR twice, and shows what the function left, and what it told the
// webhook.
func deliver(ctx context.Context, s *side, archive string, inbox *page.Inbox) error {
	fmt.Printf("\n== after the OCR: an event, and what it leaves ==\n\n")
	function, ok := s.function.(*gateway.Event)
	if !ok {
		return fmt.Errorf("a %s has no events", s.name)
	}
	for _, want := range []string{
		`{"delivered":["IDAdemo1/bankcard/late1"],"skipped":[],"rejected":[]}`,
		`{"delivered":[],"skipped":["IDAdemo1/bankcard/late1"],"rejected":[]}`, // events come again
	} {
		result, err := function.Invoke(ctx, []byte(orderEvent))
		if err != nil {
			return err
		}
		fmt.Printf("  event   %s\n  returns %s\n", orderEvent, result.Payload)
		if result.Error != nil || string(result.Payload) != want {
			return fmt.Errorf("expected %s, error %v", want, result.Error)
		}
	}
	files := 0
	fmt.Println("  the archive:")
	err := filepath.WalkDir(archive, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files++
		name, err := filepath.Rel(archive, path)
		fmt.Printf("    %-52s %6d bytes\n", filepath.ToSlash(name), info.Size())
		return err
	})
	if err != nil {
		return err
	}
	document, err := os.ReadFile(filepath.Join(archive, "IDAdemo1", "bankcard", "late1", "result.json")) // #nosec G304 -- in a folder of our own
	if err != nil {
		return err
	}
	fmt.Printf("  result.json:\n    %s\n", document)
	if files != 4 {
		return fmt.Errorf("%d files were left, expected three photos and result.json", files)
	}
	told := inbox.Messages()
	for _, message := range told {
		fmt.Println("  the webhook:")
		for _, header := range message.Headers {
			if strings.HasPrefix(header[0], "Webhook-") {
				fmt.Printf("    %s: %s\n", header[0], header[1])
			}
		}
		fmt.Printf("    %s\n", message.Body)
	}
	if len(told) != 1 {
		return fmt.Errorf("the webhook was told %d times, expected once", len(told))
	}
	return nil
}
