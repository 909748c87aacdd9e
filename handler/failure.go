package handler

import (
	"context"
	"errors"

	"kyc-ocr-relay/internal/config"
	"kyc-ocr-relay/internal/relay"
	"kyc-ocr-relay/internal/ticket"
	"kyc-ocr-relay/internal/upstream"
)

// failure is an answer of our own: where the upstream gave no usable JSON, or was
// not asked.
type failure struct {
	status int
	code   string // in the style of the Tencent Cloud API
	msg    string // for the caller: no secret, no personal data

	allow      string
	retryAfter int // seconds
	challenge  bool
}

// The codes.
const (
	codeParameter     = "InvalidParameterValue."
	codeOrderNo       = codeParameter + "OrderNo"
	codeAppID         = codeParameter + "AppId"
	codeDuplicate     = codeParameter + "Duplicate"
	codeBody          = "InvalidParameter.Body"
	codeBodyTooLarge  = "RequestSizeLimitExceeded"
	codeAuth          = "AuthFailure"
	codeUnauthorized  = "UnauthorizedOperation"
	codeNotFound      = "ResourceNotFound"
	codeMethod        = "UnsupportedOperation"
	codeCredential    = "FailedOperation.Credential"
	codeUnreachable   = "FailedOperation.UpstreamUnreachable"
	codeTimeout       = "FailedOperation.UpstreamTimeout"
	codeBadResponse   = "FailedOperation.UpstreamBadResponse"
	codeTooLarge      = "FailedOperation.ResponseTooLarge"
	codeLimit         = "LimitExceeded"
	codeConfiguration = "InternalError.Configuration"
	codeInternal      = "InternalError"
)

// throttleSeconds is what a throttled caller is told to wait. The vendor publishes
// no figure for the query; a few seconds keep a retry from adding to the load.
const throttleSeconds = 5

// limitSeconds is what a caller is told to wait whom the instance has no memory for: most
// requests are answered within it.
const limitSeconds = 1

// statusCallerGone is logged where the caller closed the connection; nobody reads it.
const statusCallerGone = 499

var (
	failUnauthenticated = failure{status: 401, code: codeAuth, msg: "a valid token is required: Authorization: Bearer <token>", challenge: true}
	failNoRoute         = failure{status: 404, code: codeNotFound, msg: "no such route, type or photo"}
	failNoPhoto         = failure{status: 404, code: codeNotFound, msg: "the result has no such photo, or not yet: photos may follow the result by about a second"}
	failApp             = failure{status: 403, code: codeUnauthorized, msg: "the caller may not use this app_id (CALLER_APPS)"}
	failBody            = failure{status: 400, code: codeBody, msg: "the body must be one JSON object in UTF-8"}
	failBodyTooLarge    = failure{status: 413, code: codeBodyTooLarge, msg: "the body is larger than 6 MB"}
	failTooLarge        = failure{status: 502, code: codeTooLarge, msg: "the answer exceeds the platform's 6 MB: fetch the photos one by one from /ocr/{type}/{order_no}/photos/{name}, or have results delivered (DELIVER_TO)"}
	failPhotoTooLarge   = failure{status: 502, code: codeTooLarge, msg: "the photo exceeds the platform's 6 MB: have results delivered (DELIVER_TO)"}
	failLimit           = failure{status: 503, code: codeLimit, msg: "too many requests at once: try again", retryAfter: limitSeconds}
	failInternal        = failure{status: 500, code: codeInternal, msg: "internal error"}
	failNoSinks         = failure{status: 500, code: codeConfiguration, msg: "DELIVER_TO: required where events are to be delivered"}
	failBadPhoto        = failure{status: 502, code: codeBadResponse, msg: "result: the photo is not Base64"}
)

func failAppID() *failure {
	return &failure{status: 400, code: codeAppID, msg: relay.ErrAppID.Error()}
}

func failOrderNo() *failure {
	return &failure{status: 400, code: codeOrderNo, msg: relay.ErrOrderNo.Error()}
}

func failMethod(method string) failure {
	return failure{status: 405, code: codeMethod, msg: "only " + method + " is supported", allow: method}
}

func failScope(s config.Scope) failure {
	return failure{status: 403, code: codeUnauthorized, msg: "the caller lacks the scope " + string(s) + " (CALLER_SCOPES)"}
}

func failDuplicate(name string) *failure {
	return &failure{status: 400, code: codeDuplicate, msg: name + " is given twice"}
}

// failed turns an error into an answer.
func failed(err error) failure {
	var (
		call     *upstream.Error
		renewal  *ticket.Failure
		settings *relay.SettingsError
		body     *upstream.BodyError
	)
	switch {
	case errors.As(err, &body):
		return failedBody(body)
	case errors.As(err, &call):
		return failedCall(call)
	case errors.As(err, &settings):
		return failure{status: 500, code: codeConfiguration, msg: settings.Error()}
	case errors.Is(err, relay.ErrType):
		return failNoRoute
	case errors.Is(err, relay.ErrAppID):
		return *failAppID()
	case errors.Is(err, relay.ErrOrderNo):
		return *failOrderNo()
	case errors.Is(err, context.Canceled):
		return failure{status: statusCallerGone, code: codeInternal, msg: "the caller went away"}
	case errors.Is(err, context.DeadlineExceeded):
		return failure{status: 504, code: codeTimeout, msg: "no token and ticket in time"}
	case errors.As(err, &renewal):
		return failure{status: 502, code: codeCredential, msg: renewal.Reason}
	}
	return failInternal
}

// failedBody is about a body that was to be handed on.
func failedBody(e *upstream.BodyError) failure {
	switch {
	case e.Twice:
		return *failDuplicate(e.Member)
	case e.Member != "":
		return *failMember(e.Member, "is missing, or no text, or too long")
	}
	return failBody
}

func failedCall(e *upstream.Error) failure {
	f := failure{status: 502, msg: e.Error()}
	switch e.Reason {
	case upstream.Unreachable:
		f.code = codeUnreachable
	case upstream.TimedOut:
		f.status, f.code = 504, codeTimeout
	case upstream.Canceled:
		f.status, f.code = statusCallerGone, codeInternal
	case upstream.TooLarge:
		f = failTooLarge
	case upstream.Crowded:
		f = failLimit
	case upstream.Refused:
		f.code = codeCredential
		switch e.Class {
		case upstream.Permanent:
			f.msg += ": check KYC_APP_ID and KYC_SECRET (or the entry in KYC_APPS)"
		case upstream.Throttled:
			f.retryAfter = throttleSeconds
		}
	default:
		f.code = codeBadResponse
	}
	return f
}

const jsonType = "application/json; charset=utf-8"

// statuses maps the class of the upstream's answer to the HTTP status that it is
// handed on with.
var statuses = [...]int{
	upstream.Success:    200,
	upstream.Business:   200,
	upstream.NotFound:   404,
	upstream.BadRequest: 400,
	upstream.Rejected:   502,
	upstream.Permanent:  502,
	upstream.Throttled:  503,
	upstream.Transient:  502,
}

// body is the JSON of an answer of our own.
func (f *failure) body(requestID string) []byte {
	body := appendText([]byte(`{"code":`), []byte(f.code))
	body = appendText(append(body, `,"msg":`...), []byte(f.msg))
	body = appendText(append(body, `,"requestId":`...), []byte(requestID))
	return append(body, '}')
}

func (f *failure) response(requestID string) *response {
	return &response{
		status:      f.status,
		contentType: jsonType,
		body:        f.body(requestID),
		allow:       f.allow,
		retryAfter:  f.retryAfter,
		challenge:   f.challenge,
	}
}
