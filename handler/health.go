package handler

import (
	"encoding/json"
	"time"

	"kyc-ocr-relay/internal/relay"
)

type healthApp struct {
	AppID  string `json:"app_id"`
	State  string `json:"state"`            // fresh, stale, absent
	Age    int64  `json:"age"`              // seconds since the pair was issued
	Source string `json:"source,omitempty"` // minted, shared
}

// healthLoan is what this instance has last lent to a server that signs by itself.
type healthLoan struct {
	Caller string `json:"caller"`
	AppID  string `json:"app_id"`
	Kind   string `json:"kind"` // token, sign, nonce
	Ago    int64  `json:"ago"`  // seconds
	Age    int64  `json:"age"`  // seconds, of the pair then
}

// health tells what this instance knows by itself: no call, no secret.
func (h *Handler) health(r *relay.Relay) *response {
	answer := struct {
		Status string       `json:"status"`
		Store  string       `json:"store"`
		Apps   []healthApp  `json:"apps"`
		Loans  []healthLoan `json:"lent,omitempty"`
	}{Status: "ok", Store: r.StoreKind, Apps: make([]healthApp, 0, len(r.Apps))}
	for _, id := range r.Apps {
		s := r.Tickets.Status(id)
		answer.Apps = append(answer.Apps, healthApp{id, string(s.State), int64(s.Age / time.Second), string(s.Source)})
	}
	for _, l := range h.loans.List() {
		answer.Loans = append(answer.Loans, healthLoan{l.Caller, l.AppID, l.Kind, int64(time.Since(l.At) / time.Second), int64(l.Age / time.Second)})
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // strings and integers do not fail
	}
	return &response{status: 200, contentType: jsonType, body: body}
}
