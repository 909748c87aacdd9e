package ticket_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kyc-ocr-relay/internal/simulator"
)

// do has the instance do something. One that dies meanwhile, or is frozen with its callers, fails
// nobody: the platform, or the caller, tries another. It reports whether it was done.
func (i *instance) do(act func(ctx context.Context) error) bool {
	ctx, cancel := context.WithTimeout(i.dead, 30*time.Second)
	asked := time.Now()
	answered := make(chan error, 1)
	go func() {
		defer cancel()
		answered <- act(ctx)
	}()
	var err error
	select {
	case err = <-answered:
	case <-i.dead.Done():
	}
	if i.isDead() {
		return false
	}
	f := i.fleet
	f.mu.Lock()
	defer f.mu.Unlock()
	if i.frozenUntil().After(asked) {
		return false
	}
	f.queries++
	if err != nil {
		f.failed++
		if len(f.failures) < 25 {
			f.failures = append(f.failures, time.Now().Format("15:04:05.000 ")+err.Error())
		}
	}
	return err == nil
}

// query asks for a result through the instance.
func (i *instance) query(order string) {
	i.do(func(ctx context.Context) error {
		payload, err := i.handler.Invoke(ctx, "", fmt.Appendf(nil, `{"type":"bankcard","order_no":%q}`, order))
		if err != nil {
			return err
		}
		return expect("0", payload)
	})
}

// expect wants an answer with a code.
func expect(code string, payload []byte) error {
	var answer struct{ Code string }
	if err := json.Unmarshal(payload, &answer); err != nil || answer.Code != code {
		return errors.New(string(payload))
	}
	return nil
}

// post sends a route of the instance a body, and returns the body of the answer.
func (i *instance) post(ctx context.Context, path, body string) ([]byte, error) {
	event, err := json.Marshal(map[string]string{"httpMethod": "POST", "path": path, "body": body})
	if err != nil {
		return nil, err
	}
	payload, err := i.handler.Invoke(ctx, "", event)
	if err != nil {
		return nil, err
	}
	var answer struct {
		StatusCode int
		Body       string
	}
	if err := json.Unmarshal(payload, &answer); err != nil || answer.StatusCode != 200 {
		return nil, fmt.Errorf("%s: %s", path, payload)
	}
	return []byte(answer.Body), nil
}

// returned is what a client brings back, as the check wants it.
type returned string

// start starts a client's flow through the instance and has the client do its part. It returns nil
// where there are no clients, or the instance did not last so long.
func (i *instance) start(order string, face bool) (back *returned) {
	flow, path, body := "ocr", "/start/ocr", `{"user_id":"user1","order_no":"`+order+`"}`
	if face {
		flow, path, body = "face", "/start/face", body[:len(body)-1]+`,"product":"plus","name":"欧阳测试","id_no":"000000199001011234"}`
	}
	done := i.do(func(ctx context.Context) error {
		answer, err := i.post(ctx, path, body)
		if err != nil {
			return err
		}
		if err := expect("0", answer); err != nil || !i.fleet.clients {
			return err
		}
		var start simulator.Start
		if err := json.Unmarshal(answer, &start); err != nil {
			return err
		}
		client := i.fleet.upstream.RunOCR
		if face {
			client = i.fleet.upstream.RunFace
		}
		_ = sleep(i.ended, 5*time.Second) // on its way to the phone
		got, err := client(start)
		if err != nil {
			return err
		}
		if got.Sign == "" {
			return errors.New("there was no live ticket to sign what came back")
		}
		r := returned(fmt.Sprintf(`{"flow":%q,"order_no":%q,"code":%q,"sign":%q}`, flow, order, got.Code, got.Sign))
		back = &r
		return nil
	})
	if !done {
		return nil
	}
	return back
}

// flow starts a client's flow through the instance, and has another one, where there is one, check
// what comes back of it later.
func (i *instance) flow(order string, face bool, later time.Duration, other *member) {
	back := i.start(order, face)
	if back == nil || other == nil {
		return
	}
	if sleep(i.ended, later) == nil {
		other.check(back)
	}
}

// check has the instance check what a client brought back.
func (i *instance) check(back *returned) {
	i.do(func(ctx context.Context) error {
		answer, err := i.post(ctx, "/check", string(*back))
		if err == nil && string(answer) != `{"valid":true}` {
			err = fmt.Errorf("check: %s", answer)
		}
		return err
	})
}
