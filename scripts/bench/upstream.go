package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// upstream checks nothing. A result has as many bytes, and takes as many milliseconds, as the order
// number says: s4194304d200.
type upstream struct {
	issues          time.Duration // how long a token or a ticket takes
	tokens, tickets atomic.Int64  // issued so far
	bodies          sync.Map
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	var body []byte
	switch r.URL.Path {
	case "/api/oauth2/access_token":
		time.Sleep(u.issues)
		u.tokens.Add(1)
		body = []byte(`{"code":"0","msg":"ok","access_token":"bench-token","expire_in":"7200"}`)
	case "/api/oauth2/api_ticket":
		time.Sleep(u.issues)
		u.tickets.Add(1)
		body = []byte(`{"code":"0","msg":"ok","tickets":[{"value":"bench-ticket","expire_in":"3600"}]}`)
	default:
		length, delay, _ := strings.Cut(strings.TrimPrefix(r.URL.Query().Get("order_no"), "s"), "d")
		size, _ := strconv.Atoi(length)
		if wait, _ := strconv.Atoi(delay); wait > 0 {
			time.Sleep(time.Duration(wait) * time.Millisecond)
		}
		cached, ok := u.bodies.Load(size)
		if !ok {
			cached, _ = u.bodies.LoadOrStore(size, result(size))
		}
		body = cached.([]byte)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// result is a bank card result of about size bytes, three photos making up the most.
func result(size int) []byte {
	const text = `{"code":"0","msg":"请求成功","bizSeqNo":"21062120001184412617492807497465","result":{"bizSeqNo":"21062120001184412617492807497465","transactionTime":"20210621174928","orderNo":"bench","bankCardNo":"6222000000000000000","bankCardValidDate":"12/2034","warnCode":"0","multiWarnCode":"0","operateTime":"2021-06-21 17:40:06","clarity":"79","success":false%s},"transactionTime":"20210621174928"}`
	rest := size - len(text)
	if rest < 300 {
		return fmt.Appendf(nil, text, "")
	}
	raw := make([]byte, rest/3*3/4)
	for i := range raw {
		raw[i] = byte(i * 2654435761 >> 7)
	}
	photo := base64.StdEncoding.EncodeToString(raw)
	return fmt.Appendf(nil, text, fmt.Sprintf(`,"bankcardCropPhoto":%q,"bankcardNoPhoto":%q,"originBankcardPhoto":%q`, photo, photo, photo))
}
