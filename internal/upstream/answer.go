package upstream

import (
	"bytes"
	"strings"
	"time"

	"kyc-ocr-relay/internal/jsonscan"
)

// Class is what a code of the upstream means for the request that got it.
type Class int

// The classes. See codes for the vendor's numbers.
const (
	Success    Class = iota
	Business         // an answer about the card or face: not recognised, a warning, another person, an unknown code
	NotFound         // no result for this order: not existing, not finished and purged look alike
	BadRequest       // a parameter was refused
	Rejected         // token, ticket or sign was refused: renew, sign anew, once
	Permanent        // refused for good
	Throttled        // too many requests
	Transient        // worth another try
)

// codes has every code that is not a business answer (cloud.tencent.com document
// 1007, error codes; 15 as public clients see it). They are the same for every call: the
// verdict of a face verification is a code, too, and any that is not here is one.
var codes = map[string]Class{
	"0":        Success,
	"66660020": NotFound,
	"66660000": BadRequest,
	"-1304":    BadRequest,
	"400101":   Rejected,
	"400102":   Rejected,
	"15":       Rejected,
	"400103":   Permanent,
	"400104":   Permanent,
	"400105":   Permanent,
	"400502":   Permanent,
	"400501":   Throttled,
	"400504":   Throttled,
	"400506":   Throttled,
	"999999":   Transient,
	"999998":   Transient,
	"999997":   Transient,
}

// classify gives the class of a code. Errors are documented to come with HTTP 200;
// where the HTTP status says error and the code does not, the status is believed.
func classify(code string, status int) Class {
	class, known := codes[code]
	if !known {
		class = Business
	}
	if status < 400 || class != Success && class != Business {
		return class
	}
	switch {
	case status == 429:
		return Throttled
	case status >= 500:
		return Transient
	}
	return Permanent
}

// printable returns code if it looks like one.
func printable(code string) string {
	if len(code) > 20 || strings.Trim(code, "-0123456789") != "" {
		return "(not a number)"
	}
	return code
}

// Answer is the upstream's answer to a signed call.
type Answer struct {
	Code     string // fit for the log: what is no number is not repeated
	Class    Class
	Body     []byte  // JSON as it came
	Buffer   []byte  // has Body at its end, behind the room that the query asked for
	Marks    []int32 // where a JSON string of Body needs a backslash; nil: too many to list, or no room for them
	Attempts int
	Elapsed  time.Duration // over all attempts
}

// Photo returns the Base64 text of a photo in result, nil where it is absent or
// empty. The text may share memory with Body.
func (a *Answer) Photo(field string) []byte {
	result := jsonscan.Member(a.Body, "result")
	if len(result) == 0 || result[0] != '{' {
		return nil
	}
	value := jsonscan.Member(result, field)
	if len(value) < 3 || value[0] != '"' {
		return nil
	}
	if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	// Some encoders break Base64 into lines.
	return []byte(strings.NewReplacer("\r", "", "\n", "").Replace(jsonscan.Text(value)))
}
