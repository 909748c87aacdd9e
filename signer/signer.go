// Package signer computes the signature and the nonce of Tencent Cloud 人脸核身
// requests. It is pure: no clock, no configuration, no shared state.
package signer

import (
	"crypto/rand"
	"crypto/sha1"
)

// Version is the only value of the parameter "version" that the API knows.
const Version = "1.0.0"

const (
	alphabet    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	hexDigits   = "0123456789ABCDEF"
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
		list [8]string
		text [512]byte
	)
	sorted := append(list[:0], values...)
	for i := 1; i < len(sorted); i++ {
		for j := i; j > 0 && sorted[j] < sorted[j-1]; j-- {
			sorted[j], sorted[j-1] = sorted[j-1], sorted[j]
		}
	}
	joined := text[:0]
	for _, v := range sorted {
		joined = append(joined, v...)
	}
	sum := sha1.Sum(joined)

	var digits [2 * sha1.Size]byte
	for i, b := range sum {
		digits[2*i] = hexDigits[b>>4]
		digits[2*i+1] = hexDigits[b&15]
	}
	return string(digits[:])
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
		rand.Read(random[:]) // never fails: it ends the process instead
		for _, b := range random {
			if int(b) < unbiased && n < nonceLength {
				nonce[n] = alphabet[int(b)%len(alphabet)]
				n++
			}
		}
	}
	return string(nonce[:])
}
