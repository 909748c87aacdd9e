package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
)

// mark notes in an archive that an order is not everywhere yet. Its text is the
// invocation that delivers the order.
type mark struct {
	Action  string `json:"action"`
	Type    string `json:"type"`
	OrderNo string `json:"order_no"`
	AppID   string `json:"app_id"`
	// Webhooks has the tags of those that were not told; null means all.
	Webhooks []string `json:"webhooks"`
}

// readMark returns nil where there is none.
func readMark(ctx context.Context, a archive, o Order) (*mark, error) {
	data, err := a.read(ctx, o.markKey())
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

func writeMark(ctx context.Context, a archive, o Order, hooks []*webhook) (*mark, error) {
	m := &mark{Action: "deliver", Type: o.Type, OrderNo: o.No, AppID: o.AppID, Webhooks: []string{}}
	for _, h := range hooks {
		m.Webhooks = append(m.Webhooks, h.tag)
	}
	data, err := json.Marshal(m)
	if err != nil {
		panic(err) // text does not fail
	}
	if err := a.write(ctx, o.markKey(), jsonBlob(data)); err != nil {
		return nil, err
	}
	return m, nil
}

// of returns the webhooks that m names.
func (m *mark) of(hooks []*webhook) (named []*webhook) {
	for _, h := range hooks {
		if m.Webhooks == nil || slices.Contains(m.Webhooks, h.tag) {
			named = append(named, h)
		}
	}
	return named
}

// names reports whether m names exactly these webhooks.
func (m *mark) names(hooks []*webhook) bool {
	return m != nil && m.Webhooks != nil && len(m.Webhooks) == len(hooks) && len(m.of(hooks)) == len(hooks)
}
