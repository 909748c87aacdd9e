package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Rejection is a message that is no order.
type Rejection struct {
	Message string `json:"message"` // as it came
	Reason  string `json:"reason"`
	Event   string `json:"event"` // the kind of event that brought it
}

// Name is the same for the same message. It is the key in an archive.
func (r Rejection) Name() string {
	sum := sha256.Sum256([]byte(r.Message))
	return "rejected/" + hex.EncodeToString(sum[:12]) + ".json"
}

// Reject keeps a message for people to look at, in every archive, and tells every
// webhook. One that fails does not keep the others from getting it.
func (s *Sinks) Reject(ctx context.Context, r Rejection) error {
	data, err := json.Marshal(r)
	if err != nil {
		panic(err) // text does not fail
	}
	var errs []error
	for _, a := range s.archives {
		if err := a.write(ctx, r.Name(), jsonBlob(data)); err != nil {
			errs = append(errs, fmt.Errorf("write %s: %w", r.Name(), err))
		}
	}
	for _, h := range s.hooks {
		errs = append(errs, h.post(ctx, rejected(r)))
	}
	return together(errs)
}
