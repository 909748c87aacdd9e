//go:build !unix

package war

import (
	"errors"
	"fmt"
	"os"
)

// stop would freeze a process: this system has no signal for that.
func stop(*os.Process, bool) error {
	return fmt.Errorf("freeze a process on this system: %w", errors.ErrUnsupported)
}
