package endtoend

import (
	"crypto/rand"
	"crypto/sha1" // #nosec G505 -- the algorithm is the vendor's
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// standIn is a server as somebody wrote it for the vendor: it knows a base URL, an app and the
// app's secret, fetches token and ticket by itself and signs with them. It has no code of the
// function. The public clients differ in how long they keep what they fetched.
type standIn struct {
	secret      string
	credentials func(target string) []byte // GET at the base URL for token and tickets
	results     func(target string) []byte // GET at the base URL for everything else
	keeps       keeps

	token, ticket kept
}

// keeps says how long a client uses what it was told to use for some time.
type keeps func(expireIn time.Duration) time.Duration

// The clients by what they do about expire_in.
func heeds(expireIn time.Duration) time.Duration  { return expireIn }
func asksAtEveryCall(time.Duration) time.Duration { return 0 }
func fixedClock(d time.Duration) keeps            { return func(time.Duration) time.Duration { return d } }

// kept is a token or a ticket in a client's cache.
type kept struct {
	value string
	until time.Time
}

// query asks for a result with a sign of its own, and reports whether there was one.
func (s *standIn) query(order string) bool {
	var answer struct{ Code string }
	body := s.results("/api/server/getBankCardOcrResult?" + s.signed(order))
	return json.Unmarshal(body, &answer) == nil && answer.Code == "0"
}

// signed is the query of a request for a result.
func (s *standIn) signed(order string) string {
	token := s.fetch(&s.token, "/api/oauth2/access_token?app_id="+firstApp+"&secret="+s.secret+"&grant_type=client_credential&version=1.0.0")
	ticket := s.fetch(&s.ticket, "/api/oauth2/api_ticket?app_id="+firstApp+"&access_token="+token+"&type=SIGN&version=1.0.0")
	nonce := hexDigits(16)
	return "app_id=" + firstApp + "&order_no=" + order + "&nonce=" + nonce + "&version=1.0.0&sign=" +
		joinedSHA1(firstApp, order, nonce, "1.0.0", ticket)
}

// fetch returns what is kept, or asks for it once more. It is empty where that fails.
func (s *standIn) fetch(k *kept, target string) string {
	if time.Now().Before(k.until) {
		return k.value
	}
	*k = kept{}
	type one struct {
		Token    string `json:"access_token"`
		Value    string
		ExpireIn string `json:"expire_in"`
	}
	var answer struct {
		one
		Tickets []one
	}
	if json.Unmarshal(s.credentials(target), &answer) != nil {
		return ""
	}
	got := answer.one
	if len(answer.Tickets) > 0 {
		got = answer.Tickets[0]
	}
	seconds, err := strconv.Atoi(got.ExpireIn)
	if err != nil {
		return ""
	}
	*k = kept{got.Token + got.Value, time.Now().Add(s.keeps(time.Duration(seconds) * time.Second))}
	return k.value
}

// joinedSHA1 is the vendor's sign, as its documents have it: sort, join, SHA-1.
func joinedSHA1(values ...string) string {
	slices.Sort(values)
	sum := sha1.Sum([]byte(strings.Join(values, ""))) // #nosec G401 -- the algorithm is the vendor's
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func hexDigits(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails, by its documentation
	return hex.EncodeToString(b)
}
