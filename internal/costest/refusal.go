package costest

import (
	"encoding/xml"
	"net/http"
)

// refusal is an answer that is not a success (document 436/7730).
type refusal struct {
	status        int
	code, message string
}

var (
	errAccessDenied       = &refusal{403, "AccessDenied", "Access Denied."}
	errEntityTooLarge     = &refusal{400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size."}
	errEntityTooSmall     = &refusal{400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size."}
	errFileAlreadyExists  = &refusal{409, "FileAlreadyExists", "The object you specified already exists and can not be overwritten."}
	errIncompleteBody     = &refusal{400, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header."}
	errInvalidAccessKeyID = &refusal{403, "InvalidAccessKeyId", "The Access Key Id you provided does not exist in our records."}
	errInvalidArgument    = &refusal{400, "InvalidArgument", "Invalid Argument."}
	errInvalidDigest      = &refusal{400, "InvalidDigest", "The Content-MD5 you specified is not valid."}
	errInvalidPart        = &refusal{400, "InvalidPart", "One or more of the specified parts could not be found."}
	errInvalidPartOrder   = &refusal{400, "InvalidPartOrder", "The list of parts was not in ascending order."}
	errInvalidToken       = &refusal{403, "InvalidToken", "The provided token is invalid."}
	errInvalidURI         = &refusal{400, "InvalidURI", "Could not parse the specified URI."}
	errMalformedXML       = &refusal{400, "MalformedXML", "The XML you provided was not well-formed."}
	errMethodNotAllowed   = &refusal{405, "MethodNotAllowed", "The specified method is not allowed against this resource."}
	errNoSuchKey          = &refusal{404, "NoSuchKey", "The specified key does not exist."}
	errNoSuchUpload       = &refusal{404, "NoSuchUpload", "The specified multipart upload does not exist."}
	errNoSuchVersion      = &refusal{404, "NoSuchVersion", "The specified version does not exist."}
	errSignature          = &refusal{403, "SignatureDoesNotMatch", "The Signature you specified is invalid."}
	errTimeTooSkewed      = &refusal{403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."}
)

// fail answers r with e.
func (b *Bucket) fail(w http.ResponseWriter, r *http.Request, e *refusal) {
	id := w.Header().Get("X-Cos-Request-Id")
	writeXML(w, e.status, struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		Resource  string
		RequestID string `xml:"RequestId"`
		TraceID   string `xml:"TraceId"`
	}{Code: e.code, Message: e.message, Resource: r.Host + r.URL.Path, RequestID: id, TraceID: "trace-" + id})
}

func writeXML(w http.ResponseWriter, status int, v any) {
	data, err := xml.Marshal(v)
	if err != nil {
		panic(err) // no value given here fails
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	// The client may have gone.
	_, _ = w.Write(append([]byte(xml.Header), data...))
}
