package costest

import (
	"crypto/hmac"
	"crypto/sha1" // #nosec G505 -- COS's signature is HMAC-SHA1
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxSkew is how far a client's clock may be ahead (RequestTimeTooSkewed).
const maxSkew = 15 * time.Minute

// authenticate verifies the signature of r as document 436/7778 describes it. It
// returns nil, or the answer and why.
func (b *Bucket) authenticate(r *http.Request, query url.Values) (why string, refusal *refusal) {
	fields, why := parseAuthorization(r.Header.Values("Authorization"))
	switch {
	case why != "":
		return why, errAccessDenied
	case fields["q-sign-algorithm"] != "sha1":
		return "q-sign-algorithm is not sha1", errAccessDenied
	case fields["q-ak"] != b.config.SecretID:
		return "unknown q-ak", errInvalidAccessKeyID
	case r.Header.Get("X-Cos-Security-Token") != b.config.SessionToken:
		return "wrong x-cos-security-token", errInvalidToken
	}
	now := b.clock()
	for _, name := range []string{"q-sign-time", "q-key-time"} {
		start, end, ok := parseSpan(fields[name])
		switch {
		case !ok:
			return name + " is not start;end", errAccessDenied
		case start.After(now.Add(maxSkew)):
			return name + " is in the future", errTimeTooSkewed
		case end.Before(now):
			return name + " has expired", errAccessDenied
		}
	}

	headers := map[string][]string{"host": {r.Host}}
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = values
	}
	if r.ContentLength >= 0 {
		headers["content-length"] = []string{strconv.FormatInt(r.ContentLength, 10)}
	}
	if len(r.TransferEncoding) > 0 {
		headers["transfer-encoding"] = r.TransferEncoding
	}
	signedHeaders, why := canonical(fields["q-header-list"], headers, func(name string) bool {
		return name == "host" || strings.HasPrefix(name, "x-cos-")
	})
	if why != "" {
		return "q-header-list: " + why, errSignature
	}
	signedQuery, why := canonical(fields["q-url-param-list"], query, func(string) bool { return true })
	if why != "" {
		return "q-url-param-list: " + why, errSignature
	}
	signature := sign(b.config.SecretKey, fields["q-key-time"], r.Method, r.URL.Path, signedQuery, signedHeaders)
	if !hmac.Equal([]byte(signature), []byte(fields["q-signature"])) {
		return "signature does not match", errSignature
	}
	return "", nil
}

// sign returns the q-signature of a request, whose parameters and headers are given
// in canonical form and whose path is not escaped.
func sign(secretKey, keyTime, method, path, query, headers string) string {
	signKey := hexHMAC(secretKey, keyTime)
	httpString := strings.ToLower(method) + "\n" + path + "\n" + query + "\n" + headers + "\n"
	digest := sha1.Sum([]byte(httpString)) // #nosec G401 -- COS's signature is HMAC-SHA1
	return hexHMAC(signKey, "sha1\n"+keyTime+"\n"+hex.EncodeToString(digest[:])+"\n")
}

func hexHMAC(key, text string) string {
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

var authorizationFields = []string{
	"q-sign-algorithm", "q-ak", "q-sign-time", "q-key-time", "q-header-list", "q-url-param-list", "q-signature",
}

func parseAuthorization(values []string) (fields map[string]string, why string) {
	if len(values) != 1 {
		return nil, fmt.Sprintf("%d Authorization headers", len(values))
	}
	fields = map[string]string{}
	for part := range strings.SplitSeq(values[0], "&") {
		name, value, _ := strings.Cut(part, "=")
		if _, twice := fields[name]; twice || !slices.Contains(authorizationFields, name) {
			return nil, "Authorization has an unknown field, or one twice"
		}
		fields[name] = value
	}
	if len(fields) != len(authorizationFields) {
		return nil, "Authorization lacks a field"
	}
	return fields, ""
}

func parseSpan(text string) (start, end time.Time, ok bool) {
	from, to, _ := strings.Cut(text, ";")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	return time.Unix(first, 0), time.Unix(last, 0), err1 == nil && err2 == nil && first < last
}

// canonical returns the values of the names in list as they are signed, and says
// what is wrong with the list: it must be sorted, name only what is there, and name
// each that is there and must be signed.
func canonical(list string, values map[string][]string, mustSign func(name string) bool) (text, why string) {
	byName := make(map[string][]string, len(values))
	for name, v := range values {
		encoded := strings.ToLower(escape(name))
		byName[encoded] = append(byName[encoded], v...)
	}
	var names []string
	if list != "" {
		names = strings.Split(list, ";")
	}
	if !slices.IsSorted(names) {
		return "", "not sorted"
	}
	for name := range byName {
		if mustSign(name) && !slices.Contains(names, name) {
			return "", name + " is not signed"
		}
	}
	var pairs []string
	for _, name := range slices.Compact(names) {
		if len(byName[name]) == 0 {
			return "", name + " is signed and not there"
		}
		for _, v := range slices.Sorted(slices.Values(byName[name])) {
			pairs = append(pairs, name+"="+escape(v))
		}
	}
	return strings.Join(pairs, "&"), ""
}

// escape percent-encodes all but A-Z a-z 0-9 - _ . ~, in upper-case hex.
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}
