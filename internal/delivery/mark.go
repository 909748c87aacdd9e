package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"kyc-ocr-relay/internal/order"
)

// mark notes in an archive that an order is not everywhere yet. Its text is the
// invocation that delivers the order.
type mark struct {
	Action  string `json:"action"`
	Type    string `json:"type"`
	OrderNo string `json:"order_no"`
	AppID   string `json:"app_id"`
	// Webhooks has the tags of those that were not told; null means all. One that is no
	// longer configured stays on the list until it is told, or another in its place.
	Webhooks []string `json:"webhooks"`
	// Told has the tags of those that were told. It is the list that counts: a webhook
	// that is not on it is told, although it had another URL when the mark was written.
	// null: the mark was written by a version that only had the other list.
	Told []string `json:"told"`
}

// readMark returns nil where there is none.
func readMark(ctx context.Context, a archive, o order.Order) (*mark, error) {
	data, err := a.read(ctx, markKey(o))
	if errors.Is(err, errAbsent) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m := &mark{}
	_ = json.Unmarshal(data, m) // whatever it says, it is a mark: all are told then
	return m, nil
}

func writeMark(ctx context.Context, a archive, o order.Order, m *mark) error {
	data, err := json.Marshal(m)
	if err != nil {
		panic(err) // text does not fail
	}
	return a.write(ctx, markKey(o), jsonBlob(data))
}

// told returns which of the configured webhooks need not be told, by their tags.
//
// A mark without a list of those that were told says it of all that it does not name. If
// it names one that is gone, nobody knows which of the others has taken its place: all
// are told then, some of them again.
func (m *mark) told(configured []string) []string {
	switch {
	case m.Told != nil:
		return m.Told
	case m.Webhooks == nil || len(without(m.Webhooks, configured)) > 0:
		return nil
	}
	return without(configured, m.Webhooks)
}

// equal reports whether m and o say the same.
func (m *mark) equal(o *mark) bool {
	return m != nil && o != nil && m.Webhooks != nil && m.Told != nil &&
		slices.Equal(m.Webhooks, o.Webhooks) && slices.Equal(m.Told, o.Told)
}

// without returns the tags that are not among others, each once; never nil.
func without(tags, others []string) []string {
	left := []string{}
	for _, tag := range tags {
		if !slices.Contains(others, tag) && !slices.Contains(left, tag) {
			left = append(left, tag)
		}
	}
	return left
}
