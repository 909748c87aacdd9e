package deployment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	sdkerrors "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"
	sdkhttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"
	scf "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/scf/v20180416"

	"kyc-ocr-relay/internal/secret"
)

const (
	// maxPolls bounds the wait for Active: with the default interval 3 minutes. Seconds are usual.
	maxPolls = 90
	// maxThrottled is how often a throttled call is made again; the pauses double.
	maxThrottled = 5
	// maxBusy is how often a call is made again that met the function in transition.
	maxBusy = 3
	// callTimeout bounds one call, in seconds: the code is uploaded within one.
	callTimeout = 300
)

// Account is who deploys, and where to. All fields but Token and Endpoint are required.
type Account struct {
	SecretID  string
	SecretKey secret.Text
	Token     secret.Text // of temporary credentials
	Region    string
	Endpoint  string // "" means the public API; else https, or http on loopback
}

// Client speaks to the cloud's API. It is not safe for concurrent use.
type Client struct {
	// Interval is the pause between two looks at a function; 0 means 2 s.
	Interval time.Duration
	// Out gets what has been done. With Watched it gets a dot for each look at what takes long, too.
	Out     io.Writer
	Watched bool

	account Account
	scf     *scf.Client
	generic *common.Client
	hide    []string
}

// regionName is how regions are called. Which there are, the API knows.
var regionName = regexp.MustCompile(`^[a-z]{2}-[a-z]+(-[a-z0-9]+)*$`)

// check reports every problem of a at once.
func (a Account) check() error {
	var problems []error
	add := func(text string) { problems = append(problems, errors.New(text)) }
	if a.SecretID == "" || a.SecretKey.IsEmpty() {
		add("credentials: TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY are required (console: Access Management, API Keys)")
	}
	switch {
	case a.Region == "":
		add("region: -region or TENCENTCLOUD_REGION is required, such as ap-guangzhou")
	case !regionName.MatchString(a.Region):
		add("region: must be of the form ap-guangzhou")
	}
	if u, err := url.Parse(a.Endpoint); a.Endpoint != "" && (err != nil || u.Host == "" || u.Scheme != "https" && !isLoopback(u)) {
		add("-endpoint: must be https://host; http is accepted for loopback only")
	}
	return errors.Join(problems...)
}

// NewClient returns a Client.
func NewClient(a Account) (*Client, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	settings := profile.NewClientProfile()
	settings.Language = "en-US"
	settings.HttpProfile.ReqTimeout = callTimeout
	if u, err := url.Parse(a.Endpoint); err == nil && a.Endpoint != "" {
		settings.HttpProfile.Scheme, settings.HttpProfile.Endpoint = u.Scheme, u.Host
	}
	credential := common.NewTokenCredential(a.SecretID, a.SecretKey.Reveal(), a.Token.Reveal())
	client, err := scf.NewClient(credential, a.Region, settings)
	if err != nil {
		return nil, err
	}
	generic := common.NewCommonClient(credential, a.Region, settings)
	for _, c := range []*common.Client{&client.Client, generic} {
		c.WithHttpTransport(direct{&http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}})
	}
	made := &Client{Interval: 2 * time.Second, Out: io.Discard, account: a, scf: client, generic: generic}
	made.conceal(a.SecretKey.Reveal(), a.Token.Reveal())
	return made, nil
}

// conceal keeps texts out of what is shown of the API's messages. Longer ones come first: others may
// be a part of them.
func (c *Client) conceal(texts ...string) {
	for _, text := range texts {
		if len(text) >= 6 { // shorter ones would cut words to pieces
			c.hide = append(c.hide, text)
		}
	}
	slices.SortFunc(c.hide, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	c.hide = slices.Compact(c.hide)
}

func isLoopback(u *url.URL) bool {
	host := u.Hostname()
	return u.Scheme == "http" && (host == "localhost" || host == "127.0.0.1" || host == "::1")
}

// direct follows no redirect.
type direct struct{ transport *http.Transport }

var errRedirect = errors.New("a redirect, which is not followed")

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := d.transport.RoundTrip(r)
	if err == nil && response.StatusCode >= 300 && response.StatusCode < 400 {
		_ = response.Body.Close()
		return nil, errRedirect
	}
	return response, err
}

// Error is a call of the API that failed.
type Error struct {
	Action    string
	Code      string
	Message   string
	RequestID string
}

func (e *Error) Error() string {
	text := e.Action + ": " + e.Code
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	if remedy := remedy(e.Code); remedy != "" {
		text += "\n  what to do: " + remedy
	}
	return text
}

// The codes of a function in transition: the change is made again when it is done.
var busy = []string{
	"FailedOperation.FunctionStatusError", "FailedOperation.FunctionNameStatusError",
	"FailedOperation.FunctionVersionStatusNotActive", "FailedOperation.OperationConflict",
	"ResourceInUse", "ResourceInUse.Function",
}

// do makes a call. A throttled one is made again after a pause, one that met the function in
// transition after that has ended.
func (c *Client) do(ctx context.Context, function, action string, call func() error) error {
	throttled, waited := 0, 0
	for {
		err := call()
		if err == nil {
			return nil
		}
		failed := c.failed(action, err)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case strings.HasPrefix(failed.Code, "RequestLimitExceeded") && throttled < maxThrottled:
			throttled++
			fmt.Fprintf(c.Out, "      %s is throttled: again in %v\n", action, c.Interval<<throttled)
			if err := pause(ctx, c.Interval<<throttled); err != nil {
				return err
			}
		case function != "" && slices.Contains(busy, failed.Code) && waited < maxBusy:
			waited++
			fmt.Fprintf(c.Out, "      %s: the function is busy (%s)\n", action, failed.Code)
			if err := pause(ctx, c.Interval); err != nil {
				return err
			}
			if err := c.wait(ctx, function, latest); err != nil {
				return err
			}
		default:
			return failed
		}
	}
}

// failed keeps what may be shown.
func (c *Client) failed(action string, err error) *Error {
	e := &Error{Action: action, Code: "ClientError", Message: err.Error()}
	var api *sdkerrors.TencentCloudSDKError
	if errors.As(err, &api) {
		e.Code, e.Message, e.RequestID = api.Code, api.Message, api.RequestId
		if cause := api.Unwrap(); cause != nil {
			e.Message += ": " + cause.Error()
		}
	}
	for _, text := range c.hide {
		e.Message = strings.ReplaceAll(e.Message, text, "[redacted]")
	}
	if runes := []rune(e.Message); len(runes) > 300 { // an error page
		e.Message = string(runes[:300]) + "…"
	}
	return e
}

// call makes a call of a service that the SDK has no module for here.
func (c *Client) call(ctx context.Context, service, version, action string, parameters map[string]any) ([]byte, error) {
	response := sdkhttp.NewCommonResponse()
	err := c.do(ctx, "", action, func() error {
		request := sdkhttp.NewCommonRequest(service, version, action)
		request.SetContext(ctx)
		if err := request.SetActionParameters(parameters); err != nil {
			return err
		}
		return c.generic.Send(request, response)
	})
	return response.GetBody(), err
}

// latest is the version that changes.
const latest = "$LATEST"

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
