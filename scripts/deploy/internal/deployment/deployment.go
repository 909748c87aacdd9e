// Package deployment brings a function to Tencent Cloud SCF: it looks at what is there, says what it
// would do (a Plan), does it, and goes on after a failure by looking again.
//
// A deployment is a function ($LATEST) with its code, configuration and variables; a published
// version of it; the alias $DEFAULT, which sends the traffic to that version; and on the alias the
// Function URL and, for an event function, the timer. Nothing of it is remembered here: all that a
// later run has to know is read back from the cloud. What the cloud does not tell (the code's
// SHA-256 as it was uploaded, and IgnoreSysLog) is kept in the function's description.
package deployment

import (
	"errors"
	"fmt"
	"regexp"

	"kyc-ocr-relay/internal/archive"
)

// Config is what is to be deployed. Name and Kind are required.
type Config struct {
	Name string       // of the function
	Kind archive.Kind // its type; it cannot be changed
	Role string       // the execution role; "" leaves the function's

	Memory  int64 // MB; 0 means 128, which a Web function needs for answers with photos
	Timeout int64 // seconds; 0 means 60: room for late photos, and for a renewal and a query with all their attempts

	// Canary is the share of the traffic, in percent, that a new version gets beside the present
	// one; 0 means all of it, alone.
	Canary int

	Environment Environment
	Zip         []byte // the code, as archive.Pack makes it

	// EventURL gives an event function a Function URL. The platform writes what such a function
	// answers to its log (document 583): card numbers, names, photos.
	EventURL bool
	// Open makes a Function URL although CALLER_AUTH=none lets everybody ask who finds it.
	Open bool
}

// The platform's limits (SCF quotas; document 1278/46710 for the request).
const (
	environmentLimit = 4096
	requestLimit     = 10_000_000
)

var functionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,58}[A-Za-z0-9]$`)

// Check reports every problem of c and of who deploys it at once, before there is code.
func (c Config) Check(a Account) error {
	_, err := c.check()
	return errors.Join(a.check(), err)
}

// check reports every problem of c at once, and fills in the defaults.
func (c Config) check() (Config, error) {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if !functionName.MatchString(c.Name) {
		add("-name: must be 2 to 60 letters, digits, - and _, beginning with a letter and not ending with - or _")
	}
	if c.Kind != archive.Event && c.Kind != archive.Web {
		add("-kind: must be event or web")
	}
	if c.Memory == 0 {
		c.Memory = 128
	}
	if c.Memory != 64 && (c.Memory < 128 || c.Memory > 3072 || c.Memory%128 != 0) {
		add("-memory: must be 64, or 128 to 3072 in steps of 128")
	}
	if c.Timeout == 0 {
		c.Timeout = 60
	}
	if c.Timeout < 1 || c.Timeout > 900 {
		add("-timeout: must be 1 to 900 seconds")
	}
	if c.Canary < 0 || c.Canary > 99 {
		add("-canary: must be 1 to 99 percent, or 0 for all of the traffic")
	}
	// The code goes as Base64 within one request; a little is left for the rest of it.
	if size := len(c.Zip)*4/3 + 16<<10; size > requestLimit {
		add("the code has %s: a request to the API has 10 MB at most, as Base64", megabytes(len(c.Zip)))
	}
	if err := c.Environment.check(); err != nil {
		problems = append(problems, err)
	}
	return c, errors.Join(problems...)
}

// typ is the kind in the API's words.
func typ(k archive.Kind) string {
	if k == archive.Web {
		return "HTTP"
	}
	return "Event"
}

func megabytes(n int) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
