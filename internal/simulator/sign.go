package simulator

import (
	"crypto/sha1" // #nosec G505 -- the algorithm is the vendor's
	"encoding/hex"
	"slices"
	"strings"
)

// sign is the vendor's signature: the values sorted as strings in byte order,
// joined without a separator, as SHA-1 in hex digits. The vendor takes either case.
func sign(values ...string) string {
	slices.Sort(values)
	sum := sha1.Sum([]byte(strings.Join(values, ""))) // #nosec G401 -- the algorithm is the vendor's
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// signedBy reports whether one of the credentials that live signs the query.
func signedBy(list []*credential, appID string, q *request) bool {
	v := q.values
	return slices.ContainsFunc(list, func(c *credential) bool {
		return c.alive(q.received) &&
			strings.EqualFold(v["sign"], sign(appID, v["order_no"], v["version"], v["nonce"], c.value))
	})
}
