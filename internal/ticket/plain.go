package ticket

import (
	"encoding/json"
	"time"

	"kyc-ocr-relay/internal/secret"
)

// The plain types are a record as JSON, with its secrets readable. They exist only while a
// record is sealed or opened: nothing but encode and decode makes or keeps one.
type (
	plainRecord struct {
		Pair    *plainPair    `json:"pair,omitempty"`
		Pending *plainPending `json:"pending,omitempty"`
		Lease   *lease        `json:"lease,omitempty"`
		Failure *failure      `json:"failure,omitempty"`
	}
	plainPair struct {
		Generation uint64 `json:"generation"`
		Token      string `json:"token"`
		Ticket     string `json:"ticket"`
		terms
		Former []plainFormer `json:"former,omitempty"`
	}
	plainFormer struct {
		Token  string    `json:"token,omitempty"`
		Ticket string    `json:"ticket"`
		End    time.Time `json:"end"`
	}
	plainPending struct {
		Token  string        `json:"token"`
		Minted time.Time     `json:"minted"`
		Life   time.Duration `json:"life"`
		After  uint64        `json:"after"`
	}
)

// encode returns the record as JSON, to be sealed at once.
func (r *record) encode() []byte {
	plain := plainRecord{Lease: r.Lease, Failure: r.Failure}
	if p := r.Pair; p != nil {
		plain.Pair = &plainPair{p.Generation, p.Token.Reveal(), p.Ticket.Reveal(), p.terms, nil}
		for _, old := range p.Former {
			plain.Pair.Former = append(plain.Pair.Former, plainFormer{old.Token.Reveal(), old.Ticket.Reveal(), old.End})
		}
	}
	if p := r.Pending; p != nil {
		plain.Pending = &plainPending{p.Token.Reveal(), p.Minted, p.Life, p.After}
	}
	data, err := json.Marshal(plain)
	if err != nil {
		panic(err) // no value of these types fails
	}
	return data
}

// decode reads what encode returned, or an earlier version of it.
func decode(data []byte) (r record, ok bool) {
	var plain plainRecord
	if json.Unmarshal(data, &plain) != nil {
		return record{}, false
	}
	r.Lease, r.Failure = plain.Lease, plain.Failure
	if p := plain.Pair; p != nil {
		r.Pair = &shared{p.Generation, secret.New(p.Token), secret.New(p.Ticket), p.terms, nil}
		for _, old := range p.Former {
			r.Pair.Former = append(r.Pair.Former, former{secret.New(old.Token), secret.New(old.Ticket), old.End})
		}
	}
	if p := plain.Pending; p != nil {
		r.Pending = &pending{secret.New(p.Token), p.Minted, p.Life, p.After}
	}
	return r, true
}
