package store

import (
	"errors"
	"fmt"

	"github.com/gomodule/redigo/redis"

	"kyc-ocr-relay/internal/cos"
	"kyc-ocr-relay/internal/redact"
)

var (
	errTooLarge = errors.New("the value is too large")
	errForeign  = errors.New("what is stored there is not ours")
)

// fail returns err, which step of a medium met, as it may be logged.
func fail(step string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("store: %s: %w", step, reason(err))
}

// reason reduces err to what is known to be harmless.
func reason(err error) error {
	if answer := redis.Error(""); errors.As(err, &answer) {
		return fmt.Errorf("the server answered %s", redact.Code(code(answer)))
	}
	// These say nothing but their own fixed text.
	return cos.Error(err, errTooLarge, errForeign, errNoLinks, errOvertaken, errNotCreateOnly, errNoDate, errHung)
}
