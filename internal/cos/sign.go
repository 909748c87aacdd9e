package cos

import (
	"crypto/hmac"
	"crypto/sha1" // #nosec G505 -- the algorithm is the vendor's
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"kyc-ocr-relay/internal/role"
)

// signedFor and signedSince are the life of a request's signature: it covers clocks that
// are minutes apart, either way.
const signedFor, signedSince = 10 * time.Minute, 5 * time.Minute

// sign puts a signature on a request, as document 436/7778 describes it: over the method, the path, all
// parameters, the host, the kind of the content and what is the service's own.
func sign(r *http.Request, c role.Credentials, now time.Time) {
	if !c.SessionToken.IsEmpty() {
		r.Header.Set("X-Cos-Security-Token", c.SessionToken.Reveal())
	}
	headers := map[string][]string{"host": {r.Host}}
	for name, values := range r.Header {
		if name = strings.ToLower(name); name == "content-type" || strings.HasPrefix(name, "x-cos-") {
			headers[name] = values
		}
	}
	headerNames, headerText := canonical(headers)
	queryNames, queryText := canonical(r.URL.Query())
	life := fmt.Sprintf("%d;%d", now.Add(-signedSince).Unix(), now.Add(signedFor).Unix())
	request := strings.ToLower(r.Method) + "\n" + r.URL.Path + "\n" + queryText + "\n" + headerText + "\n"
	digest := sha1.Sum([]byte(request)) // #nosec G401 -- the algorithm is the vendor's
	key := mac(c.SecretKey.Reveal(), life)
	signature := mac(key, "sha1\n"+life+"\n"+hex.EncodeToString(digest[:])+"\n")
	r.Header.Set("Authorization", "q-sign-algorithm=sha1&q-ak="+c.SecretID.Reveal()+"&q-sign-time="+life+"&q-key-time="+life+
		"&q-header-list="+headerNames+"&q-url-param-list="+queryNames+"&q-signature="+signature)
}

// canonical returns names and values as they are signed.
func canonical(values map[string][]string) (names, text string) {
	encoded := make(map[string][]string, len(values))
	for name, v := range values {
		encoded[strings.ToLower(escape(name))] = v
	}
	var list, pairs []string
	for name, v := range encoded {
		for range v {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	for _, name := range slices.Compact(slices.Clone(list)) {
		for _, v := range slices.Sorted(slices.Values(encoded[name])) {
			pairs = append(pairs, name+"="+escape(v))
		}
	}
	return strings.Join(list, ";"), strings.Join(pairs, "&")
}

// escape percent-encodes all but A-Z a-z 0-9 - _ . ~, in upper-case hex.
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

func mac(key, text string) string {
	m := hmac.New(sha1.New, []byte(key))
	m.Write([]byte(text))
	return hex.EncodeToString(m.Sum(nil))
}
