package endtoend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"kyc-ocr-relay/internal/simulator"
)

func started(t *testing.T, a *answer) (b beginning) {
	t.Helper()
	if err := json.Unmarshal(a.body, &b); err != nil || a.status != 200 || b.Code != "0" {
		t.Fatalf("%d %.300s: %v", a.status, a.body, err)
	}
	return b
}

// perAct are exchanges of every act that are made by row.
func perAct(row func(a act, i int) []exchange) (list []exchange) {
	for i, a := range acts {
		list = append(list, row(a, i)...)
	}
	return list
}

// ownApp is an app that only one act uses, so that what it does to its pair is no other's concern.
func ownApp(i int) string { return fmt.Sprintf("IDAact%02d", i) }

// ownApps is a world with an app for each act.
func ownApps() setting {
	apps, list := map[string]string{}, []string{}
	for i := range acts {
		apps[ownApp(i)] = "secret-of-first-9b71e2"
		list = append(list, ownApp(i)+":"+apps[ownApp(i)])
	}
	return setting{simulator: simulator.Config{Apps: apps}, env: map[string]string{
		"KYC_APP_ID": "", "KYC_SECRET": "", "KYC_APPS": strings.Join(list, ","),
	}}
}

// voided has the act's app lose its pair before the exchange, and expects one renewal in it.
func voided(e exchange, app string) exchange {
	e.first = func(w *world) {
		w.expectStatus("/ocr/bankcard/firstOfItsApp?app_id="+app, 200)
		w.sim.Void(app)
	}
	also := e.also
	e.also = func(t *testing.T, w *world, a *answer) {
		t.Helper()
		if also == nil {
			a.checkRelayed(t, w)
		} else {
			also(t, w, a)
		}
		if n := len(w.sim.Mints(app)); n != 2 {
			t.Errorf("%d tokens, want one renewal", n)
		}
	}
	e.asks *= 2
	return e
}

// actAnswers are what becomes of every act by what the upstream makes of it.
var actAnswers = groups{
	{name: "success", exchanges: perAct(func(a act, _ int) []exchange { return []exchange{a.exchange(a.order(""))} })},
	{name: "pair rejected", setting: ownApps(), exchanges: perAct(func(a act, i int) []exchange {
		e := a.app(a.appMember(), ownApp(i)).exchange(a.order("void"))
		if e.sends == "" {
			e.sends = "app_id=" + ownApp(i)
		} else {
			e.sends += "&app_id=" + ownApp(i)
		}
		return []exchange{voided(e, ownApp(i))}
	})},
	{name: "rejected whatever the pair", setting: ownApps(), exchanges: perAct(func(a act, i int) []exchange {
		if a.call == "" {
			return nil
		}
		e := a.app(a.appMember(), ownApp(i)).refused(a.order("rejected"), 502, "")
		e.sends = strings.TrimPrefix(e.sends+"&app_id="+ownApp(i), "&")
		e = voided(e, ownApp(i))
		e.first = func(w *world) { w.expectStatus("/ocr/bankcard/firstOfItsApp?app_id="+ownApp(i), 200) }
		return []exchange{e}
	})},
	{name: "refused", exchanges: perAct(func(a act, _ int) (list []exchange) {
		if a.call == "" {
			return nil
		}
		for _, c := range []struct {
			scenario string
			status   int
			heads    http.Header
		}{{"notfound", 404, nil}, {"toolong", 400, nil}, {"throttled", 503, retry}, {"forbidden", 502, nil}, {"unknown", 200, nil}} {
			e := a.refused(a.order(c.scenario), c.status, "")
			e.name, e.heads = a.name+" "+c.scenario, c.heads
			list = append(list, e)
		}
		return list
	})},
	{name: "sent and no answer", exchanges: perAct(func(a act, _ int) (list []exchange) {
		if a.call == "" {
			return nil
		}
		for _, c := range []struct{ scenario, code string }{
			{"lost", "FailedOperation.UpstreamUnreachable"}, {"reset", "FailedOperation.UpstreamUnreachable"},
			{"truncated", "FailedOperation.UpstreamBadResponse"}, {"badgateway", "FailedOperation.UpstreamBadResponse"},
		} {
			e := a.refused(a.order(c.scenario), 502, c.code)
			if e.name = a.name + " " + c.scenario; !a.once() {
				e.asks = 3
			}
			list = append(list, e)
		}
		return list
	})},
}

func TestActs(t *testing.T) {
	t.Parallel()
	throughThese(t, actTransports, actAnswers.run)
}
