package simulator

import (
	"crypto/rand"
	"slices"
	"time"
)

// nonceTicketLife is documented as 120 seconds.
const nonceTicketLife = 120 * time.Second

// credential is an access token or a ticket.
type credential struct {
	value string
	dies  time.Time   // the first moment at which it is refused
	by    *credential // the token that fetched a ticket, with which it dies; nil for a token
}

func newCredential(dies time.Time, by *credential) *credential {
	return &credential{value: randomValue(), dies: dies, by: by}
}

func (c *credential) alive(now time.Time) bool {
	return now.Before(c.dies) && (c.by == nil || c.by.alive(now))
}

// retire drops the dead and lets nobody live longer than the overlap.
func retire(list []*credential, now time.Time, overlap time.Duration) []*credential {
	end := now.Add(overlap)
	list = slices.DeleteFunc(list, func(c *credential) bool { return !c.alive(now) })
	for _, c := range list {
		if end.Before(c.dies) {
			c.dies = end
		}
	}
	return list
}

// find returns the living credential with this value, or nil.
func find(list []*credential, value string, now time.Time) *credential {
	for _, c := range list {
		if c.value == value && c.alive(now) {
			return c
		}
	}
	return nil
}

const lettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// randomValue returns 64 letters and digits, the length the vendor documents
// for both kinds. That 62 does not divide 256 makes no difference here.
func randomValue() string {
	b := make([]byte, 64)
	_, _ = rand.Read(b) // never fails, by its documentation
	for i := range b {
		b[i] = lettersAndDigits[int(b[i])%len(lettersAndDigits)]
	}
	return string(b)
}
