// Package secret holds text that must never be printed.
package secret

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// Text is a secret: an app secret, a token, a ticket, a password. No fmt verb,
// log handler or encoder prints it, not even from an unexported field of some
// struct: the value is kept behind a function, which reflection cannot read.
// For the same reason two Texts cannot be compared with ==; use Equal.
//
// The zero Text is the empty secret.
type Text struct {
	reveal func() string
}

// New wraps s.
func New(s string) Text {
	return Text{func() string { return s }}
}

// Reveal returns the secret itself. Callers pass it to the wire and nowhere else.
func (t Text) Reveal() string {
	if t.reveal == nil {
		return ""
	}
	return t.reveal()
}

// IsEmpty reports whether there is no secret.
func (t Text) IsEmpty() bool { return t.Reveal() == "" }

// Equal compares in time that depends on the lengths only.
func (t Text) Equal(other Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(other.Reveal())) == 1
}

// Format prints a placeholder, whatever the verb and flags.
func (t Text) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// String returns a placeholder.
func (t Text) String() string { return redacted }

// LogValue returns a placeholder.
func (t Text) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns a placeholder; encoding/json and its like use it.
func (t Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }
