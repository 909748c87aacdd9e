// Package signer computes the signature and the nonce of Tencent Cloud 人脸核身
// requests. It is pure: no clock, no configuration, no shared state.
package signer

import (
	"crypto/rand"
	"crypto/sha1" // #nosec G505 -- the algorithm is the vendor's
	"encoding/binary"
)

// Version is the only value of the parameter "version" that the API knows.
const Version = "1.0.0"

const (
	alphabet    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	nonceLength = 32
)

// Sign returns the signature of values: they are sorted as byte strings, joined
// without a separator and hashed with SHA-1, printed as 40 upper-case hex digits.
// The order of the arguments does not matter, and they are not changed.
//
// What is signed depends on the use (cloud.tencent.com document 1007):
//
//	querying a result        app_id, order_no, version, nonce, SIGN ticket
//	starting the client SDK  app_id, userId, version, nonce, NONCE ticket
//	checking a client's sign app_id, order_no, SIGN ticket
func Sign(values ...string) string {
	var (
		few  [8]int32 // more than any use needs
		text [256]byte
	)
	// Positions are sorted, not strings: moving numbers costs no write barriers.
	order := few[:0]
	for i := range values {
		at := len(order)
		order = append(order, int32(i)) // #nosec G115 -- nobody passes so many
		for ; at > 0 && less(values[i], values[order[at-1]]); at-- {
			order[at] = order[at-1]
		}
		order[at] = int32(i) // #nosec G115 -- likewise
	}
	joined := text[:0]
	for _, i := range order {
		joined = append(joined, values[i]...)
	}
	sum := sha1.Sum(joined) // #nosec G401 -- the algorithm is the vendor's

	var digits [2 * sha1.Size]byte
	for i := 0; i < len(sum); i += 4 {
		binary.BigEndian.PutUint64(digits[2*i:], hex(binary.BigEndian.Uint32(sum[i:])))
	}
	return string(digits[:])
}

// less is a < b. Mostly the first bytes tell, without a call.
func less(a, b string) bool {
	if len(a) > 0 && len(b) > 0 && a[0] != b[0] {
		return a[0] < b[0]
	}
	return a < b
}

// hex returns the upper-case hex digits of v, the first one in the highest byte. All eight are made at once,
// in the lanes of one number.
func hex(v uint32) uint64 {
	x := uint64(v)
	x = x&0xFFFF | x&0xFFFF0000<<16
	x = x&0x000000FF000000FF | x&0x0000FF000000FF00<<8
	x = x&0x000F000F000F000F | x&0x00F000F000F000F0<<4
	letters := (x + 0x0606060606060606) >> 4 & 0x0101010101010101 // 1 from ten on
	return x + 0x3030303030303030 + letters*('A'-'9'-1)
}

// Nonce returns 32 random letters and digits, each of the 62 equally likely.
func Nonce() string {
	// A byte under unbiased stands for one character; the 8 values from there on
	// would favour the first characters of the alphabet and are drawn again.
	const unbiased = 256 - 256%len(alphabet)
	var (
		nonce  [nonceLength]byte
		random [nonceLength + 8]byte
	)
	for n := 0; n < nonceLength; {
		_, _ = rand.Read(random[:]) // never fails: it ends the process instead
		for _, b := range random {
			if int(b) < unbiased && n < nonceLength {
				nonce[n] = alphabet[int(b)%len(alphabet)]
				n++
			}
		}
	}
	return string(nonce[:])
}
