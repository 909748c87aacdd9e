package ticket_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/simulator"
	"kyc-ocr-relay/signer"
)

// TestDayOfClientsAlone has nobody ask for a result for a day: clients alone, who were started by
// another server that has the token. The vendor signs what they bring back with the app's live SIGN
// ticket, which only the timer keeps alive, every five minutes, on whatever instance the platform has
// for it. Each second one comes back signed, and an instance knows the sign.
func TestDayOfClientsAlone(t *testing.T) {
	const every = 5 * time.Minute
	length := hours(24)
	synctest.Test(t, func(t *testing.T) {
		ended, end := context.WithCancel(t.Context())
		defer end()
		f := newFleet(ended, 4)
		random := rand.New(rand.NewPCG(4, 4))
		cold := func() *instance { return f.start(time.Duration(random.Int64N(int64(4*time.Minute))) - 2*time.Minute) }
		warm, signed := cold(), 0
		for begin, n := time.Now(), 0; time.Since(begin) < length; n++ {
			if n%int(every/time.Second) == 0 {
				if random.IntN(2) == 0 {
					warm = cold()
				}
				warm.do(warm.timer)
			}
			back, err := f.client(fmt.Sprintf("order%d", n))
			if err != nil {
				t.Fatalf("after %v: %v", time.Since(begin), err)
			}
			if signed++; n%60 == 0 { // on one that never served anything
				cold().check(back)
			}
			time.Sleep(time.Second)
		}
		mints := f.upstream.Mints(appID)
		t.Logf("%d clients came back signed, %d things were asked of instances, %d mints", signed, f.queries, len(mints))
		f.check(t, func(string) bool { return false })
		// A pair is due after twenty minutes, which is when the timer comes by, or a little later
		// where a clock is wrong.
		if perHour := float64(len(mints)) / length.Hours(); perHour > 3.05 || perHour < 2.3 {
			t.Errorf("%.2f mints an hour", perHour)
		}
	})
}

// timer is the platform's.
func (i *instance) timer(ctx context.Context) error {
	payload, err := i.handler.Invoke(ctx, "", []byte(`{"Type":"Timer","TriggerName":"renew","Time":"2026-01-01T00:00:00Z","Message":""}`))
	if err == nil && strings.Contains(string(payload), `"failed":["`) {
		err = errors.New(string(payload))
	}
	return err
}

// client starts a client as another server does that has the app's token, and returns what it brings
// back.
func (f *fleet) client(order string) (*returned, error) {
	f.mu.Lock()
	token := f.token
	f.mu.Unlock()
	const user = "user1"
	recorder := httptest.NewRecorder()
	f.upstream.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/api/oauth2/api_ticket?app_id="+appID+
		"&access_token="+url.QueryEscape(token)+"&type=NONCE&version=1.0.0&user_id="+user, nil))
	var nonce struct {
		Code    string
		Tickets []struct{ Value string }
	}
	if err := json.Unmarshal(recorder.Body.Bytes(), &nonce); err != nil || nonce.Code != "0" {
		return nil, fmt.Errorf("no live token: %s", recorder.Body)
	}
	v := signer.Values{AppID: appID, UserID: user, OrderNo: order, Nonce: signer.Nonce()}
	got, err := f.upstream.RunOCR(simulator.Start{AppID: appID, UserID: user, OrderNo: order, Nonce: v.Nonce, Version: signer.Version,
		Sign: signer.StartSDK.Sign(v, nonce.Tickets[0].Value)})
	if err == nil && got.Sign == "" {
		err = errors.New("no live ticket to sign with")
	}
	back := returned(fmt.Sprintf(`{"flow":"ocr","order_no":%q,"sign":%q}`, order, got.Sign))
	return &back, err
}
