// Command naive is the handler that one writes second: its instances share the ticket in a Redis.
// Whoever finds it expired fetches a new one at once, without a lock.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"

	"kyc-ocr-relay/signer"
)

// cached is the ticket as it lies in the Redis.
type cached struct {
	Ticket  string
	Expires time.Time
}

var pool = &redis.Pool{MaxIdle: 10, Dial: func() (redis.Conn, error) { return redis.DialURL(os.Getenv("TICKET_STORE")) }}

func ticket() (string, error) {
	conn := pool.Get()
	defer conn.Close()
	var c cached
	if data, err := redis.Bytes(conn.Do("GET", "ticket")); err == nil && json.Unmarshal(data, &c) == nil && time.Now().Before(c.Expires) {
		return c.Ticket, nil
	}
	life, err := time.ParseDuration(os.Getenv("TICKET_REFRESH"))
	if err != nil {
		return "", err
	}
	if c.Ticket, err = fetch(); err != nil {
		return "", err
	}
	c.Expires = time.Now().Add(life)
	data, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	_, _ = conn.Do("SET", "ticket", data) // without the Redis the ticket serves this once
	return c.Ticket, nil
}

func fetch() (string, error) {
	var token struct {
		AccessToken string `json:"access_token"`
	}
	err := get("/api/oauth2/access_token", url.Values{"secret": {os.Getenv("KYC_SECRET")}, "grant_type": {"client_credential"}}, &token)
	if err != nil {
		return "", err
	}
	var answer struct{ Tickets []struct{ Value string } }
	err = get("/api/oauth2/api_ticket", url.Values{"access_token": {token.AccessToken}, "type": {"SIGN"}}, &answer)
	if err == nil && len(answer.Tickets) == 0 {
		err = fmt.Errorf("no ticket")
	}
	if err != nil {
		return "", err
	}
	return answer.Tickets[0].Value, nil
}

func get(path string, query url.Values, into any) error {
	query.Set("app_id", os.Getenv("KYC_APP_ID"))
	query.Set("version", signer.Version)
	response, err := http.Get(os.Getenv("KYC_BASE_URL") + path + "?" + query.Encode())
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

func handle(w http.ResponseWriter, r *http.Request) {
	t, err := ticket()
	if err != nil {
		http.Error(w, "no ticket", http.StatusBadGateway)
		return
	}
	v := signer.Values{AppID: os.Getenv("KYC_APP_ID"), OrderNo: strings.TrimPrefix(r.URL.Path, "/ocr/bankcard/"), Nonce: signer.Nonce()}
	var result json.RawMessage
	err = get("/api/server/getBankCardOcrResult", url.Values{"order_no": {v.OrderNo}, "nonce": {v.Nonce}, "sign": {signer.ByOrder.Sign(v, t)}}, &result)
	if err != nil {
		http.Error(w, "no result", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(result)
}

func main() {
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: http.HandlerFunc(handle), ReadHeaderTimeout: 10 * time.Second}
	if err := server.ListenAndServe(); err != nil {
		fmt.Fprintln(os.Stderr, "naive:", err)
		os.Exit(1)
	}
}
