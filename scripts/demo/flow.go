package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"kyc-ocr-relay/internal/simulator"
)

// flow goes the whole way of a user, with the vendor's simulated SDK in the place of a phone:
// start, client, check of what came back, result; once for an OCR and once for a face.
func (s *side) flow(ctx context.Context) error {
	err := s.client(ctx, step{
		what: "a user photographs a card: the start", path: "/start/ocr",
		body: `{"user_id":"user1","order_no":"flow1"}`, status: 200,
	}, "ocr", s.upstream.RunOCR,
		step{what: "the result", path: "/ocr/bankcard/flow1", status: 200})
	if err != nil {
		return err
	}
	return s.client(ctx, step{
		what: "a user shows the face: the start", path: "/start/face",
		body: `{"user_id":"user1","order_no":"flow2","product":"enhanced","name":"张三","id_no":"00000019900101000X"}`, status: 200,
	}, "face", s.upstream.RunFace,
		step{what: "the verdict: code 0", path: "/face/flow2", status: 200},
		step{what: "the photo", path: "/face/flow2/photo", status: 200},
		step{what: "the video", path: "/face/flow2/video", status: 200})
}

// client starts a client, runs it, has checked what it hands back, and goes the steps after it.
func (s *side) client(ctx context.Context, start step, flow string, run func(simulator.Start) (simulator.Callback, error), after ...step) error {
	body, err := s.step(ctx, start)
	if err != nil {
		return fmt.Errorf("%s: %w", start.what, err)
	}
	var values simulator.Start
	if err := json.Unmarshal(body, &values); err != nil {
		return fmt.Errorf("%s: %w", start.what, err)
	}
	back, err := run(values)
	if err != nil {
		return fmt.Errorf("the client: %w", err)
	}
	code := ""
	if back.Code != "" {
		code = fmt.Sprintf(`"code":%q,`, back.Code)
	}
	fmt.Printf("\nthe client's part\n  it hands back {\"orderNo\":%q,%s\"sign\":%q}\n", back.OrderNo, code, back.Sign)
	answer, err := s.step(ctx, step{
		what: "has the upstream signed that?", path: "/check",
		body: fmt.Sprintf(`{"flow":%q,"order_no":%q,%s"sign":%q}`, flow, back.OrderNo, code, back.Sign), status: 200,
	})
	if err == nil && !strings.Contains(string(answer), "true") {
		err = fmt.Errorf("the check says %s", answer)
	}
	if err != nil {
		return err
	}
	for _, step := range after {
		if _, err := s.step(ctx, step); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}
