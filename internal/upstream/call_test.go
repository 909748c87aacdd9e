package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kyc-ocr-relay/internal/secret"
	"kyc-ocr-relay/internal/simulator"
)

// portrait is a small picture in Base64.
const portrait = "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//2Q=="

// asked has the parameters of each call, and a body as a caller writes it: with an app, version,
// nonce and sign of its own, that count for nothing.
func asked(t *testing.T, call Call, order string) Params {
	t.Helper()
	p := Params{AppID: "IDA1", OrderNo: order, Limit: 1 << 20}
	if call.Method() == http.MethodGet {
		return p
	}
	body := `{"webankAppId":"another","orderNo":"` + order + `","version":"0","nonce":"stale","sign":"stale"`
	switch {
	case call == OCRCertID:
	case call.Step() == "face id":
		body += `,"userId":"user1","name":"\u5f20三","idNo":"000000199001010001","sourcePhotoStr":"` + portrait + `","sourcePhotoType":"2"`
	case call == IDCardPicture:
		body += `,"cardType":"0","idcardStr":"` + portrait + `"`
	case call == BankCardPicture:
		body += `,"bankcardStr":"` + portrait + `"`
	case call.Step() == "picture":
		body += `,"imageStr":"` + portrait + `"`
	}
	var err error
	if p.Body, err = ReadBody(call, []byte(body+"}")); err != nil {
		t.Fatal(call, err)
	}
	return p
}

// TestEveryCall makes each against the simulator, which knows exactly what it takes, and once
// with a ticket that is dead.
func TestEveryCall(t *testing.T) {
	sim := simulator.New(simulator.Config{Apps: map[string]string{"IDA1": "s"}})
	c := connect(t, sim.ServeHTTP)
	if n := len(Calls()); n != 16 {
		t.Errorf("%d calls", n)
	}
	_, ticket := sim.Mint("IDA1")
	for i, call := range Calls() {
		if !call.IsKnown() {
			t.Errorf("%s is not known", call)
		}
		p := asked(t, call, fmt.Sprintf("order%d", i))
		p.Ticket = secret.New("a ticket that is dead")
		a, err := c.Do(t.Context(), call, p)
		if err != nil || a.Class != Rejected {
			t.Errorf("%s, dead ticket: %+v, %v", call, a, err)
		}
		p.Ticket = secret.New(ticket)
		a, err = c.Do(t.Context(), call, p)
		if err != nil || a.Class != Success || a.Attempts != 1 {
			t.Errorf("%s: %+v, %v", call, a, err)
			continue
		}
		if got := jsonText(a, "orderNo"); got != p.OrderNo {
			t.Errorf("%s: answer about %q", call, got)
		}
		if n := sim.Requests(call.Path()); n != 2 {
			t.Errorf("%s: %d requests", call, n)
		}
	}
	for _, unknown := range []Call{"", "/", "/api/oauth2/access_token", "/api/server/GetFaceId", "/api/server/getfaceid/"} {
		if unknown.IsKnown() {
			t.Errorf("%q is known", unknown)
		}
	}
	if broken := sim.Violations(); broken != nil {
		t.Errorf("%q", broken)
	}
}

// jsonText returns a text of the result.
func jsonText(a *Answer, name string) string { return string(a.Photo(name)) }

// TestNonceTicketOfADeadToken is how a caller learns that the pair was rejected.
func TestNonceTicketOfADeadToken(t *testing.T) {
	sim := simulator.New(simulator.Config{Apps: map[string]string{"IDA1": "s"}})
	_, err := connect(t, sim.ServeHTTP).NonceTicket(t.Context(), "IDA1", secret.New("dead"), "user1")
	var e *Error
	if !errors.As(err, &e) || e.Class != Rejected || e.Step != "NONCE ticket" || e.Lost() {
		t.Errorf("%+v", err)
	}
}

func TestFilesOfAFace(t *testing.T) {
	sim := simulator.New(simulator.Config{Apps: map[string]string{"IDA1": "s"}})
	c := connect(t, sim.ServeHTTP)
	_, ticket := sim.Mint("IDA1")
	for _, c2 := range []struct {
		order, files, want string
	}{
		{"order1", "1", "photo video"}, {"order1", "2", "photo"}, {"order1", "3", "video"}, {"order1", "", ""},
		{"mismatch1", "1", "photo"}, {"spoof1", "1", ""}, {"late1", "1", ""}, {"odd1", "1", "photo video"}, {"number1", "1", "photo video"},
	} {
		for _, call := range []Call{FaceRecord, FaceSync} {
			p := Params{AppID: "IDA1", Ticket: secret.New(ticket), OrderNo: c2.order, Files: c2.files, Limit: 1 << 20}
			a, err := c.Do(t.Context(), call, p)
			if err != nil || a.Class != Success && a.Class != Business {
				t.Fatalf("%s %s: %+v, %v", call, c2.order, a, err)
			}
			got := ""
			for _, photo := range a.Photos(Face) {
				got += " " + photo.Field
			}
			if strings.TrimSpace(got) != c2.want && c2.order != "late1" {
				t.Errorf("%s %s %q:%s, want %s", call, c2.order, c2.files, got, c2.want)
			}
			if late := len(a.Originals(Face)) == 1; late != (a.Class == Success) {
				t.Errorf("%s %s: waits for %q", call, c2.order, a.Originals(Face))
			}
		}
	}
}

// TestPostIsSentOnce: an upload uses up its order number, and whether it did is not known where
// its answer is lost.
func TestPostIsSentOnce(t *testing.T) {
	for _, c := range failedCalls {
		for _, call := range Calls() {
			if call.Method() == http.MethodGet {
				continue
			}
			inBubble(t, time.Second, c.answer, func(t *testing.T, b *bubble) {
				a, err := b.client.Do(t.Context(), call, asked(t, call, "order1"))
				var e *Error
				if c.lost && (!errors.As(err, &e) || !e.Lost() || e.Step != call.Step()) || !c.lost && (err != nil || a.Attempts != 1) {
					t.Errorf("%s, %s: %+v, %v", call, c.name, a, err)
				}
				synctest.Wait()
				if n := b.asked(); n != 1 {
					t.Errorf("%s, %s: asked %d times", call, c.name, n)
				}
			})
		}
	}
}

func TestPostIsRepeatedWhereNothingWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		c := refusing(&dials)
		_, err := c.Do(t.Context(), FaceID, asked(t, FaceID, "order1"))
		var e *Error
		if !errors.As(err, &e) || e.Lost() || e.Attempts != 3 || dials != 3 {
			t.Errorf("%v after %d dials, want three attempts, none of them lost", err, dials)
		}
	})
}

// A small answer is bounded by its row, and is no result with photos to ask for one by one.
func TestFaceIDOfTooManyBytes(t *testing.T) {
	c := connect(t, text(`{"code":"0","x":"`+strings.Repeat("x", smallAnswer)+`"}`))
	_, err := c.Do(t.Context(), FaceID, asked(t, FaceID, "order1"))
	var e *Error
	if !errors.As(err, &e) || e.Reason != BadResponse {
		t.Errorf("%+v", err)
	}
	if a, err := c.Do(t.Context(), FaceRecord, asked(t, FaceRecord, "order1")); err != nil || a.Class != Success {
		t.Errorf("%+v, %v", a, err)
	}
}
