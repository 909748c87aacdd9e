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

// signs reports whether c, which lives, makes given from its value and the others.
func (c *credential) signs(given string, others ...string) bool {
	return strings.EqualFold(given, sign(append(slices.Clone(others), c.value)...))
}

// signedBy reports whether one of the credentials that live signs the values of these
// names. What is not given is not signed.
func signedBy(list []*credential, q *request, names []string) bool {
	values := []string{q.appID}
	for _, name := range names {
		if v, ok := q.values[name]; ok {
			values = append(values, v)
		}
	}
	return slices.ContainsFunc(list, func(c *credential) bool {
		return c.alive(q.received) && c.signs(q.values["sign"], values...)
	})
}

// misSigned says what is wrong with a sign that no ticket makes from the right values,
// where that can be seen.
func misSigned(a *account, q *request) string {
	if signedBy(a.onetimeTickets(), q, q.signed) {
		return "signed with a NONCE ticket"
	}
	for _, path := range sortedNames(endpoints) {
		if names := endpoints[path].signed; names != nil && signedBy(a.tickets, q, names) {
			return "the sign is over other values than documented"
		}
	}
	if signedBy(a.tickets, q, []string{"orderNo", "userId", "version", "nonce"}) || signedBy(a.tickets, q, []string{"orderNo"}) {
		return "the sign is over the values of a client's sign"
	}
	return ""
}
