package deployment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"

	scf "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/scf/v20180416"
)

const (
	// aliasName is the alias that every function has; triggers are bound to it (document 583/36149).
	aliasName = "$DEFAULT"
	timerName = "renew"
	urlName   = "url"
	// cron has the timer fire every 5 minutes: seconds, minutes, hours, days, months, weekdays, years.
	cron = "0 */5 * * * * *"
)

// function is one version of a function as the cloud tells it.
type function struct {
	typ, description, role, status, reason string
	memory, timeout                        int64
	environment                            map[string]string
}

// state is all that is there.
type state struct {
	latest  *function // nil: there is no such function
	newest  int       // the newest published version; 0: none
	version *function // the newest published version
	numbers []int     // all published versions
	alias   alias     // $DEFAULT
	url     *trigger  // on $DEFAULT; nil: none
	timer   *trigger  // ours; nil: none
	others  []string  // triggers that are not ours, in words
}

// alias says where the traffic goes.
type alias struct {
	main       string
	additional string // "" means none
	weight     float64
	previous   int // what main was before; 0: not known
}

type trigger struct {
	name    string
	desc    string // the API's JSON
	enabled bool
}

// The description of a function keeps what the API does not tell. It may have letters, digits,
// spaces, commas and full stops only.
var (
	described = regexp.MustCompile(`code sha256 ([0-9a-f]{64})`)
	previous  = regexp.MustCompile(`^previous (\d+)\.$`)
)

const quiet = " Return values are not logged."

func describe(zip []byte, quietly bool) string {
	sum := sha256.Sum256(zip)
	text := "kyc ocr relay, code sha256 " + hex.EncodeToString(sum[:]) + "."
	if quietly {
		text += quiet
	}
	return text
}

// code returns the SHA-256 in a description, or "".
func code(description string) string {
	if m := described.FindStringSubmatch(description); m != nil {
		return m[1]
	}
	return ""
}

// look reads all that is there.
func (c *Client) look(ctx context.Context, name string) (*state, error) {
	s := &state{alias: alias{main: latest}}
	f, err := c.get(ctx, name, latest)
	if isMissing(err) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	s.latest = f
	if err := c.lookVersions(ctx, name, s); err != nil {
		return nil, err
	}
	if err := c.lookAlias(ctx, name, s); err != nil {
		return nil, err
	}
	return s, c.lookTriggers(ctx, name, s)
}

func isMissing(err error) bool {
	var e *Error
	return errors.As(err, &e) && strings.HasPrefix(e.Code, "ResourceNotFound.Function")
}

func (c *Client) get(ctx context.Context, name, version string) (*function, error) {
	request := scf.NewGetFunctionRequest()
	request.FunctionName, request.Qualifier = &name, &version
	var response *scf.GetFunctionResponse
	err := c.do(ctx, "", "GetFunction", func() (err error) {
		response, err = c.scf.GetFunctionWithContext(ctx, request)
		return err
	})
	if err != nil {
		return nil, err
	}
	r := response.Response
	f := &function{
		typ: value(r.Type), description: value(r.Description), role: value(r.Role), status: value(r.Status), reason: value(r.StatusDesc),
		memory: value(r.MemorySize), timeout: value(r.Timeout), environment: map[string]string{},
	}
	for _, reason := range r.StatusReasons {
		f.reason = strings.TrimSpace(f.reason + " " + value(reason.ErrorCode) + " " + value(reason.ErrorMessage))
	}
	if r.Environment != nil {
		for _, v := range r.Environment.Variables {
			f.environment[value(v.Key)] = value(v.Value)
		}
	}
	c.conceal(hidden(f.environment)...)
	return f, nil
}

func (c *Client) lookVersions(ctx context.Context, name string, s *state) error {
	const page = 100
	for offset := uint64(0); ; offset += page {
		request := scf.NewListVersionByFunctionRequest()
		limit := uint64(page)
		request.FunctionName, request.Offset, request.Limit = &name, &offset, &limit
		var response *scf.ListVersionByFunctionResponse
		err := c.do(ctx, "", "ListVersionByFunction", func() (err error) {
			response, err = c.scf.ListVersionByFunctionWithContext(ctx, request)
			return err
		})
		if err != nil {
			return err
		}
		for _, v := range response.Response.Versions {
			if n, err := strconv.Atoi(value(v.Version)); err == nil {
				s.numbers, s.newest = append(s.numbers, n), max(s.newest, n)
			}
		}
		if len(response.Response.Versions) < page {
			break
		}
	}
	if s.newest == 0 {
		return nil
	}
	var err error
	s.version, err = c.get(ctx, name, strconv.Itoa(s.newest))
	return err
}

func (c *Client) lookAlias(ctx context.Context, name string, s *state) error {
	request := scf.NewGetAliasRequest()
	of := aliasName
	request.FunctionName, request.Name = &name, &of
	var response *scf.GetAliasResponse
	err := c.do(ctx, "", "GetAlias", func() (err error) {
		response, err = c.scf.GetAliasWithContext(ctx, request)
		return err
	})
	if err != nil {
		return err
	}
	r := response.Response
	s.alias = alias{main: value(r.FunctionVersion)}
	if m := previous.FindStringSubmatch(value(r.Description)); m != nil {
		s.alias.previous, _ = strconv.Atoi(m[1]) // digits
	}
	if r.RoutingConfig != nil {
		for _, w := range r.RoutingConfig.AdditionalVersionWeights {
			s.alias.additional, s.alias.weight = value(w.Version), value(w.Weight)
		}
	}
	return nil
}

func (c *Client) lookTriggers(ctx context.Context, name string, s *state) error {
	request := scf.NewListTriggersRequest()
	limit := uint64(100)
	request.FunctionName, request.Limit = &name, &limit
	var response *scf.ListTriggersResponse
	err := c.do(ctx, "", "ListTriggers", func() (err error) {
		response, err = c.scf.ListTriggersWithContext(ctx, request)
		return err
	})
	if err != nil {
		return err
	}
	s.url, s.timer, s.others = nil, nil, nil
	for _, t := range response.Response.Triggers {
		found := &trigger{value(t.TriggerName), value(t.TriggerDesc), value(t.Enable) == 1}
		switch of := value(t.Qualifier); {
		case value(t.Type) == "http" && of == aliasName:
			s.url = found
		case value(t.Type) == "timer" && found.name == timerName && of == aliasName:
			s.timer = found
		default:
			s.others = append(s.others, value(t.Type)+" trigger "+found.name+" on "+of)
		}
	}
	return nil
}

// address is what a Function URL's configuration says.
type address struct {
	AuthType  string
	NetConfig struct {
		EnableExtranet           bool
		ExtranetUrl, IntranetUrl string
	}
}

func (t *trigger) address() (a address) {
	if t != nil {
		_ = json.Unmarshal([]byte(t.desc), &a) // what cannot be read counts as not public
	}
	return a
}

// open returns the URL where everybody may ask, or "".
func (t *trigger) open() string {
	a := t.address()
	if t == nil || !t.enabled || a.AuthType != "NONE" || !a.NetConfig.EnableExtranet || a.NetConfig.ExtranetUrl == "" {
		return ""
	}
	if !strings.Contains(a.NetConfig.ExtranetUrl, "://") {
		a.NetConfig.ExtranetUrl = "https://" + a.NetConfig.ExtranetUrl
	}
	return strings.TrimRight(a.NetConfig.ExtranetUrl, "/")
}

// fires reports whether the timer has our schedule; the API takes the expression and tells JSON.
func (t *trigger) fires() bool {
	var told struct{ Cron string }
	if json.Unmarshal([]byte(t.desc), &told) != nil {
		told.Cron = t.desc
	}
	return t.enabled && told.Cron == cron
}
