package cos

import (
	"errors"
	"fmt"
	"strings"

	sdk "github.com/tencentyun/cos-go-sdk-v5"

	"kyc-ocr-relay/internal/redact"
	"kyc-ocr-relay/internal/role"
)

// ErrChecksum is of an object that did not arrive as it was sent.
var ErrChecksum = errors.New("what arrived has another checksum")

// Error reduces an error of the SDK to what may be shown, as redact.Error does: the status and the
// code of an answer, else the kind of what went wrong.
func Error(err error, harmless ...error) error {
	var attempts *sdk.RetryError
	if errors.As(err, &attempts) && len(attempts.Errs) > 0 { // it does not unwrap
		err = attempts.Errs[len(attempts.Errs)-1]
	}
	var answer *sdk.ErrorResponse
	switch {
	case err == nil:
		return nil
	case errors.As(err, &answer):
		return fmt.Errorf("the service answered %d %s", answer.Response.StatusCode, redact.Code(answer.Code))
	case strings.HasPrefix(err.Error(), "verification failed"): // the SDK has no type for it
		return ErrChecksum
	}
	return redact.Error(err, append([]error{role.ErrNone}, harmless...)...)
}

// Status returns the status of the answer that err is of, 0 where there was none.
func Status(err error) int {
	var answer *sdk.ErrorResponse
	if errors.As(err, &answer) {
		return answer.Response.StatusCode
	}
	return 0
}
