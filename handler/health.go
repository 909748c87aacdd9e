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

// health tells what this instance knows by itself: no call, no secret.
func health(r *relay.Relay) *response {
	answer := struct {
		Status string      `json:"status"`
		Store  string      `json:"store"`
		Apps   []healthApp `json:"apps"`
	}{"ok", r.StoreKind, make([]healthApp, 0, len(r.Apps))}
	for _, id := range r.Apps {
		s := r.Tickets.Status(id)
		answer.Apps = append(answer.Apps, healthApp{id, string(s.State), int64(s.Age / time.Second), string(s.Source)})
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // strings and integers do not fail
	}
	return &response{status: 200, contentType: jsonType, body: body}
}
