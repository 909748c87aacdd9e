package relay

import (
	"crypto/sha256"
	"crypto/subtle"

	"kyc-ocr-relay/internal/config"
)

// caller is a caller with the hash of its token: comparing hashes of one length takes
// the same time wherever two tokens differ.
type caller struct {
	*config.Caller
	hash [sha256.Size]byte
}

func callers(configured []config.Caller) []caller {
	list := make([]caller, len(configured))
	for i, c := range configured {
		list[i] = caller{&configured[i], sha256.Sum256([]byte(c.Token.Reveal()))}
	}
	return list
}

// Caller returns the caller with a token, nil where there is none. Every token is compared,
// found or not.
func (r *Relay) Caller(token string) (found *config.Caller) {
	hash := sha256.Sum256([]byte(token))
	for _, c := range r.callers {
		if subtle.ConstantTimeCompare(hash[:], c.hash[:]) == 1 {
			found = c.Caller
		}
	}
	return found
}
