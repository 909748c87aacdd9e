package handler

import (
	"slices"
	"testing"
	"testing/synctest"

	"kyc-ocr-relay/internal/simulator"
)

// Serializers write null or "" for an app that is not set: a direct invocation leaves it out then.
func TestUnsetAppOfADirectInvocation(t *testing.T) {
	for _, unset := range []string{`null`, `""`, ` null`, "\t\"\" "} {
		order := `{"type":"bankcard","order_no":"o1","app_id":` + unset + `}`
		h, _ := newHandler(t, answerWith(`{"code":"0"}`), nil)
		if got, err := h.Invoke(t.Context(), "", []byte(order)); err != nil || string(got) != `{"code":"0"}` {
			t.Errorf("query with %q: %s, %v", unset, got, err)
		}
		synctest.Test(t, func(t *testing.T) {
			p := newPost(t, simulator.Config{})
			got, err := p.deliver(t, `{"action":"deliver",`+order[1:])
			if err != nil || !slices.Equal(got.Delivered, []string{"IDA1/bankcard/o1"}) {
				t.Errorf("deliver with %q: %v, %v", unset, got, err)
			}
		})
	}
}
