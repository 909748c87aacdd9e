package ticket

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// seal encrypts the records of one app for the store. A reader of the store gets no
// ticket; a writer to it can make a record unreadable, but neither change one nor
// put an old one, or another app's, in its place.
type seal struct {
	name string // of the register: of the app and, unreadably, of its secret
	aead cipher.AEAD
}

// newSeal derives the key, and the name of the register, from the app's secret. With
// another secret there is another register: a changed secret finds no old record,
// and instances that still have the old secret do not disturb it.
func newSeal(app string, appSecret secret.Text) seal {
	derive := func(purpose string, size int) []byte {
		key, err := hkdf.Key(sha256.New, []byte(appSecret.Reveal()), nil, "kyc-ocr-relay ticket "+purpose+" "+app, size)
		if err != nil {
			panic(err) // only for sizes that a hash cannot give
		}
		return key
	}
	block, err := aes.NewCipher(derive("key", 32))
	if err != nil {
		panic(err) // only for other key sizes
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // not for AES
	}
	return seal{app + "-" + hex.EncodeToString(derive("name", 8)), aead}
}

// context is what a sealed record is bound to.
func (s *seal) context(version uint64) []byte {
	return strconv.AppendUint([]byte(s.name+" "), version, 10)
}

// close seals the record for a version.
func (s *seal) close(version uint64, r *record) []byte {
	return s.aead.Seal(nil, nil, r.encode(), s.context(version)) // #nosec G407 -- the AEAD makes a random nonce by itself
}

// open reads a sealed record. What cannot be read counts as none.
func (s *seal) open(version uint64, data []byte) (r record, ok bool) {
	if data == nil {
		return record{}, true
	}
	text, err := s.aead.Open(nil, nil, data, s.context(version))
	if err != nil {
		return record{}, false
	}
	if r, ok = decode(text); !ok || !r.isUsable() {
		return record{}, false
	}
	return r, true
}

// isUsable reports whether the record is one that this version could have written. One
// of another shape may decode to a pair without a ticket; and what is decided by moments
// must agree with what an instance counts in nanoseconds, or it would look for ever.
func (r *record) isUsable() bool {
	p := r.Pair
	return p == nil || !p.Ticket.IsEmpty() && isCountable(p.Minted) && isCountable(p.Renew) && isCountable(p.Expires) &&
		!slices.ContainsFunc(p.Former, func(f former) bool { return f.Ticket.IsEmpty() || !isCountable(f.End) })
}

// isCountable reports whether Unix nanoseconds can say t.
func isCountable(t time.Time) bool { return time.Unix(0, t.UnixNano()).Equal(t) }
