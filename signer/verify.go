package signer

import (
	"crypto/subtle"
	"strings"
)

// Verify reports whether given is the sign of the use's values with the ticket, in letters of
// either case. The time it takes depends on the length of given alone, so that nobody finds a
// sign out letter by letter. Of a Use that signs nothing, nothing is genuine.
func (u Use) Verify(v Values, ticket, given string) bool {
	want := u.Sign(v, ticket)
	return want != "" && subtle.ConstantTimeCompare([]byte(want), []byte(strings.ToUpper(given))) == 1
}
