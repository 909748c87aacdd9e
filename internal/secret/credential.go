package secret

import "time"

// Credential is a secret with the time it lives from its receipt.
type Credential struct {
	Value Text
	Life  time.Duration
}
