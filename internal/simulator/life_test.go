package simulator

import (
	"testing"
	"testing/synctest"
	"time"
)

const tick = time.Nanosecond

// A token that a newer one followed lives on for the overlap, to the nanosecond.
func TestTokenOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSimulator()
		old, _ := s.Mint(testApp)
		s.Mint(testApp)
		time.Sleep(time.Minute - tick)
		wantCode(t, "just before", decode(t, get(s, ticketPath, ticketValues(old))).code(), "0")
		time.Sleep(tick)
		wantCode(t, "at the overlap", decode(t, get(s, ticketPath, ticketValues(old))).code(), "400102")
	})
}

func TestTicketOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSimulator()
		_, old := s.Mint(testApp)
		_, newer := s.Mint(testApp)
		time.Sleep(time.Minute - tick)
		wantCode(t, "just before", query(t, s, bankPath, "order1", old, false).code(), "0")
		time.Sleep(tick)
		wantCode(t, "at the overlap", query(t, s, bankPath, "order1", old, false).code(), "400101")
		wantCode(t, "newer", query(t, s, bankPath, "order1", newer, false).code(), "0")
	})
}

// Generation g dies after g+1 plus the overlap; g+2 neither hastens nor defers that.
func TestThreeGenerations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSimulator()
		_, first := s.Mint(testApp)
		_, second := s.Mint(testApp)
		time.Sleep(40 * time.Second)
		s.Mint(testApp)
		time.Sleep(20*time.Second - tick)
		wantCode(t, "first, before", query(t, s, bankPath, "order1", first, false).code(), "0")
		time.Sleep(tick)
		wantCode(t, "first, after", query(t, s, bankPath, "order1", first, false).code(), "400101")
		time.Sleep(40*time.Second - tick)
		wantCode(t, "second, before", query(t, s, bankPath, "order1", second, false).code(), "0")
		time.Sleep(tick)
		wantCode(t, "second, after", query(t, s, bankPath, "order1", second, false).code(), "400101")
	})
}

func TestOwnLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSimulator()
		token, ticket := s.Mint(testApp)
		time.Sleep(3600*time.Second - tick)
		wantCode(t, "ticket, before", query(t, s, idPath, "order1", ticket, false).code(), "0")
		time.Sleep(tick)
		wantCode(t, "ticket, after", query(t, s, idPath, "order1", ticket, false).code(), "400101")
		time.Sleep(3600*time.Second - tick)
		a := decode(t, get(s, ticketPath, ticketValues(token)))
		wantCode(t, "token, before", a.code(), "0")
		late := a.Tickets[0].Value
		wantCode(t, "late ticket, before", query(t, s, idPath, "order1", late, false).code(), "0")
		time.Sleep(tick)
		wantCode(t, "token, after", decode(t, get(s, ticketPath, ticketValues(token))).code(), "400102")
		wantCode(t, "late ticket, after its token", query(t, s, idPath, "order1", late, false).code(), "400101")
	})
}

// A newer SIGN ticket retires the one before it even if the token stays.
func TestSecondTicketOfOneToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSimulator()
		token, old := s.Mint(testApp)
		get(s, ticketPath, ticketValues(token))
		time.Sleep(time.Minute - tick)
		wantCode(t, "just before", query(t, s, bankPath, "order1", old, false).code(), "0")
		time.Sleep(tick)
		wantCode(t, "at the overlap", query(t, s, bankPath, "order1", old, false).code(), "400101")
	})
}

func TestVoidAndSetSecret(t *testing.T) {
	s := newTestSimulator()
	for _, kill := range []func(){
		func() { s.Void(testApp) },
		func() { s.SetSecret(testApp, "another") },
	} {
		token, ticket := s.Mint(testApp)
		kill()
		wantCode(t, "token", decode(t, get(s, ticketPath, ticketValues(token))).code(), "400102")
		wantCode(t, "ticket", query(t, s, bankPath, "order1", ticket, false).code(), "400101")
	}
	wantCode(t, "old secret", decode(t, get(s, tokenPath, tokenValues(testSecret))).code(), "400105")
	wantCode(t, "new secret", decode(t, get(s, tokenPath, tokenValues("another"))).code(), "0")
	s.SetSecret("app2", "x")
	if token, ticket := s.Mint("app2"); len(token) != 64 || len(ticket) != 64 {
		t.Error("SetSecret made no new app")
	}
	if token, _ := s.Mint("nobody"); token != "" {
		t.Error("Mint issued a token to nobody")
	}
	wantViolations(t, s)
}

func TestCountsAndMints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSimulator()
		begin := time.Now()
		token := decode(t, get(s, tokenPath, tokenValues(testSecret))).AccessToken
		time.Sleep(time.Second)
		ticket := decode(t, get(s, ticketPath, ticketValues(token))).Tickets[0].Value
		s.Mint(testApp)
		query(t, s, bankPath, "order1", ticket, false)
		query(t, s, bankPath, "order1", "wrong", false)
		query(t, s, bankPath, "rejected1", ticket, false)
		query(t, s, bankPath, "notfound1", ticket, false)
		get(s, ticketPath, ticketValues("wrong"))
		get(s, tokenPath, tokenValues("wrong"))
		if got, want := s.Counts(testApp), (Counts{Tokens: 1, Tickets: 1, Queries: 4, Rejected: 3}); got != want {
			t.Errorf("counts %+v, want %+v", got, want)
		}
		mints := s.Mints(testApp)
		if len(mints) != 2 || !mints[0].Equal(begin) || !mints[1].Equal(begin.Add(time.Second)) {
			t.Errorf("mints %v", mints)
		}
		if s.Counts("nobody") != (Counts{}) || s.Mints("nobody") != nil {
			t.Error("nobody has counts")
		}
	})
}

func TestOAuthAnswers(t *testing.T) {
	s := newTestSimulator()
	a := decode(t, get(s, tokenPath, tokenValues(testSecret)))
	if len(a.AccessToken) != 64 || a.ExpireIn != "7200" {
		t.Errorf("token of %d characters for %s s", len(a.AccessToken), a.ExpireIn)
	}
	b := decode(t, get(s, ticketPath, ticketValues(a.AccessToken)))
	if len(b.Tickets) != 1 || len(b.Tickets[0].Value) != 64 || b.Tickets[0].ExpireIn != "3600" {
		t.Errorf("%d tickets", len(b.Tickets))
	}
	v := ticketValues(a.AccessToken)
	v.Set("type", "NONCE")
	v.Set("user_id", "user1")
	c := decode(t, get(s, ticketPath, v))
	if len(c.Tickets) != 1 || c.Tickets[0].ExpireIn != "120" {
		t.Errorf("NONCE: %d tickets", len(c.Tickets))
	}
	// A NONCE ticket neither signs queries nor retires the SIGN ticket.
	wantCode(t, "NONCE ticket", query(t, s, bankPath, "order1", c.Tickets[0].Value, false).code(), "400101")
	wantCode(t, "SIGN ticket", query(t, s, bankPath, "order1", b.Tickets[0].Value, false).code(), "0")
	wantViolations(t, s, "signed with a NONCE ticket")
}

// The times that the API prints are China's.
func TestStamp(t *testing.T) {
	if got := stamp(time.Date(2021, 6, 21, 16, 0, 1, 0, time.UTC)); got != "20210622000001" {
		t.Errorf("stamp = %s", got)
	}
}
