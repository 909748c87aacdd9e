package ssm

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	sdkerrors "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"
	sdkhttp "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/http"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"

	"kyc-ocr-relay/internal/redact"
	"kyc-ocr-relay/internal/role"
	"kyc-ocr-relay/internal/roots"
)

// answerLimit bounds the API's answer. A secret has 32 KB at most (document 1140/40529).
const answerLimit = 256 << 10

// Error says why the secret cannot be used. Its text holds the API's codes and words of our own.
type Error struct {
	Code      string // of the API or the SDK; "" where the fault is ours or the secret's
	RequestID string
	Remedy    string

	detail string
}

func (e *Error) Error() string {
	text := "SECRET_SOURCE: " + e.detail
	if e.Code != "" {
		text = "SECRET_SOURCE: GetSecretValue: " + e.Code + e.detail
	}
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	if e.Remedy != "" {
		text += ": " + e.Remedy
	}
	return text
}

// remedies by the beginning of the API's code: the first that fits.
var remedies = []struct{ prefix, remedy string }{
	{"UnauthorizedOperation", "allow the execution role ssm:GetSecretValue on this secret"},
	{"AuthFailure.UnauthorizedOperation", "allow the execution role ssm:GetSecretValue on this secret"},
	{"AuthFailure", "the execution role's credentials are not accepted: check the function's role"},
	{"ResourceNotFound", "no such secret or version in this region: a secret made without a version has SSM_Current, another is named as name@version"},
	{"ResourceUnavailable", "the secret is disabled or about to be deleted, or the secrets manager is not in use by this account"},
	{"RequestLimitExceeded", "the API is throttled: the next request tries again"},
	{"InternalError", "the secrets manager fails: the next request tries again"},
	{"ClientError.NetworkError", "the secrets manager cannot be reached: a function in a VPC needs a way to it"},
}

// get makes the one call, with the SDK's generic client.
func (s *Source) get(ctx context.Context, c role.Credentials) (string, error) {
	settings := profile.NewClientProfile()
	settings.HttpProfile.ReqTimeout = int(timeout / time.Second)
	host := "ssm.tencentcloudapi.com"
	settings.HttpProfile.Endpoint = host
	if s.endpoint != nil {
		host = s.endpoint.Hostname()
		settings.HttpProfile.Scheme, settings.HttpProfile.Endpoint = s.endpoint.Scheme, s.endpoint.Host
	}
	client := common.NewCommonClient(
		common.NewTokenCredential(c.SecretID.Reveal(), c.SecretKey.Reveal(), c.SessionToken.Reveal()), s.region, settings)
	// One call in ten minutes: nothing is gained by keeping a connection, which a frozen instance
	// would find dead.
	client.WithHttpTransport(once{&http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: roots.Config(host), DisableKeepAlives: true,
	}})

	request := sdkhttp.NewCommonRequest("ssm", "2019-09-23", "GetSecretValue")
	request.SetContext(ctx)
	if err := request.SetActionParameters(map[string]any{"SecretName": s.name, "VersionId": s.version}); err != nil {
		return "", failed(ctx, err)
	}
	response := sdkhttp.NewCommonResponse()
	if err := client.Send(request, response); err != nil {
		return "", failed(ctx, err)
	}
	var answer struct {
		Response struct{ SecretString, SecretBinary string }
	}
	if err := json.Unmarshal(response.GetBody(), &answer); err != nil {
		return "", &Error{detail: "the answer is not as documented"}
	}
	if answer.Response.SecretString == "" {
		return "", &Error{detail: "the secret is not text"}
	}
	return answer.Response.SecretString, nil
}

// failed keeps the code. The SDK's messages may quote the answer, and with it the secret.
func failed(ctx context.Context, err error) error {
	e := &Error{detail: "the call failed"}
	var api *sdkerrors.TencentCloudSDKError
	if errors.As(err, &api) {
		e.Code, e.detail = redact.Code(api.Code), ""
		if api.RequestId != "" {
			e.RequestID = redact.Code(api.RequestId)
		}
	}
	if shown := redact.Error(err); ctx.Err() != nil || errors.Is(shown, redact.ErrTimeout) || errors.Is(shown, context.DeadlineExceeded) {
		e.detail = ", " + redact.ErrTimeout.Error()
	}
	for _, r := range remedies {
		if strings.HasPrefix(e.Code, r.prefix) {
			e.Remedy = r.remedy
			break
		}
	}
	return e
}

// once is a transport that follows no redirect and reads no endless answer.
type once struct{ transport *http.Transport }

var errRedirect = errors.New("a redirect, which is not followed")

func (o once) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := o.transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 && response.StatusCode < 400 {
		_ = response.Body.Close()
		return nil, errRedirect
	}
	response.Body = bounded{io.LimitReader(response.Body, answerLimit), response.Body}
	return response, nil
}

type bounded struct {
	io.Reader
	io.Closer
}
