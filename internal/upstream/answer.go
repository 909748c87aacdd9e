package upstream

import (
	"bytes"
	"strings"
	"time"

	"kyc-ocr-relay/internal/jsonscan"
)

// Class is what a code of the upstream means for the request that got it.
type Class int

// The classes. See classOf for the vendor's numbers.
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

// classOf returns the class of a code (cloud.tencent.com document 1007, error codes; 15 as
// public clients see it). The codes are the same for every call: the verdict of a face
// verification is one, too, and any that is not here is a business answer.
func classOf(code string) Class {
	switch code {
	case "0":
		return Success
	case "66660020":
		return NotFound
	case "66660000", "-1304":
		return BadRequest
	case "400101", "400102", "15":
		return Rejected
	case "400103", "400104", "400105", "400502":
		return Permanent
	case "400501", "400504", "400506":
		return Throttled
	case "999999", "999998", "999997":
		return Transient
	}
	return Business
}

// classify gives the class of a code. Errors are documented to come with HTTP 200;
// where the HTTP status says error and the code does not, the status is believed.
func classify(code string, status int) Class {
	class := classOf(code)
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
