package store

import (
	"errors"
	"fmt"

	"github.com/gomodule/redigo/redis"
	"github.com/tencentyun/cos-go-sdk-v5"

	"kyc-ocr-relay/internal/redact"
	"kyc-ocr-relay/internal/role"
)

var (
	errTooLarge = errors.New("the value is too large")
	errForeign  = errors.New("what is stored there is not ours")
)

// harmless are the errors that say nothing but their own fixed text.
var harmless = []error{
	role.ErrNone, errTooLarge, errForeign, errNoLinks, errOvertaken, errNotCreateOnly, errNoDate, errHung,
}

// fail returns err, which step of a medium met, as it may be logged.
func fail(step string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("store: %s: %w", step, reason(err))
}

// reason reduces err to what is known to be harmless.
func reason(err error) error {
	var retries *cos.RetryError
	if errors.As(err, &retries) && len(retries.Errs) > 0 { // it does not unwrap
		err = retries.Errs[len(retries.Errs)-1]
	}
	var (
		refusal *cos.ErrorResponse
		answer  redis.Error
	)
	switch {
	case errors.As(err, &refusal):
		return fmt.Errorf("the service answered %d %s", refusal.Response.StatusCode, redact.Code(refusal.Code))
	case errors.As(err, &answer):
		return fmt.Errorf("the server answered %s", redact.Code(code(answer)))
	}
	return redact.Error(err, harmless...)
}
