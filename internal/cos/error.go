package cos

import (
	"errors"
	"fmt"

	"kyc-ocr-relay/internal/redact"
	"kyc-ocr-relay/internal/role"
)

// ErrChecksum is of an object that did not arrive as it was sent.
var ErrChecksum = errors.New("what arrived has another checksum")

// Error reduces an error of a Bucket to what may be shown, as redact.Error does: the status and the
// code of an answer, else the kind of what went wrong.
func Error(err error, harmless ...error) error {
	if err == nil {
		return nil
	}
	if answer := (*refusal)(nil); errors.As(err, &answer) {
		return fmt.Errorf("the service answered %d %s", answer.status, redact.Code(answer.code))
	}
	return redact.Error(err, append([]error{role.ErrNone, ErrChecksum}, harmless...)...)
}

// Status returns the status of the answer that err is of, 0 where there was none.
func Status(err error) int {
	if answer := (*refusal)(nil); errors.As(err, &answer) {
		return answer.status
	}
	return 0
}
