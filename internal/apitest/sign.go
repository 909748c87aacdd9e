package apitest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// clockSkew is how far the clocks of the two sides may be apart: 5 minutes (signature v3).
const clockSkew = 5 * time.Minute

var authorization = regexp.MustCompile(`^TC3-HMAC-SHA256 Credential=([^/\s]+)/(\d{4}-\d\d-\d\d)/([a-z]+)/tc3_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$`)

// verify derives the signature of the request anew, and returns the service that it is for.
func (s *Server) verify(r *http.Request, body []byte) (service string, err error) {
	m := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		return "", refuse("AuthFailure.InvalidAuthorization", "the Authorization is not of TC3-HMAC-SHA256")
	}
	id, date, service, signed, signature := m[1], m[2], m[3], m[4], m[5]
	seconds, err := strconv.ParseInt(r.Header.Get("X-TC-Timestamp"), 10, 64)
	if err != nil {
		return "", refuse("MissingParameter", "X-TC-Timestamp")
	}
	at := time.Unix(seconds, 0)
	if at.Sub(s.now()).Abs() > clockSkew || at.UTC().Format(time.DateOnly) != date {
		return "", refuse("AuthFailure.SignatureExpire", "the clocks are too far apart")
	}
	if id != s.config.SecretID {
		return "", refuse("AuthFailure.SecretIdNotFound", "no such SecretId")
	}
	if r.Header.Get("X-TC-Token") != s.config.Token {
		return "", refuse("AuthFailure.TokenFailure", "the token is not of this SecretId")
	}
	if want := sign(s.config.SecretKey, r, body, at, service, strings.Split(signed, ";")); want != signature {
		return "", refuse("AuthFailure.SignatureFailure", "the signature is another one")
	}
	return service, nil
}

// sign derives the signature v3 (document 1278/46710) of a POST.
func sign(key string, r *http.Request, body []byte, at time.Time, service string, signed []string) string {
	var headers strings.Builder
	for _, name := range signed {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		headers.WriteString(name + ":" + strings.ToLower(strings.TrimSpace(value)) + "\n")
	}
	canonical := strings.Join([]string{r.Method, "/", "", headers.String(), strings.Join(signed, ";"), digest(body)}, "\n")
	date := at.UTC().Format(time.DateOnly)
	text := strings.Join([]string{
		"TC3-HMAC-SHA256", strconv.FormatInt(at.Unix(), 10), date + "/" + service + "/tc3_request", digest([]byte(canonical)),
	}, "\n")
	mac := []byte("TC3" + key)
	for _, part := range []string{date, service, "tc3_request", text} {
		h := hmac.New(sha256.New, mac)
		h.Write([]byte(part))
		mac = h.Sum(nil)
	}
	return hex.EncodeToString(mac)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
