package endtoend

import (
	"fmt"
	"testing"

	"kyc-ocr-relay/internal/simulator"
)

// TestFiveAppsDoNotShareTickets asks for each app by turns: a ticket of another app would be rejected.
func TestFiveAppsDoNotShareTickets(t *testing.T) {
	t.Parallel()
	five := map[string]string{}
	list := ""
	for i := range 5 {
		id, secret := fmt.Sprintf("IDAfive%d", i), fmt.Sprintf("secret-of-five-%d-e81c", i)
		five[id] = secret
		list += id + ":" + secret + " , "
	}
	through(t, func(t *testing.T, over transport) {
		w := open(t, over, setting{
			simulator: simulator.Config{Apps: five},
			env:       map[string]string{"KYC_APP_ID": "", "KYC_SECRET": "", "KYC_APPS": list},
		})
		w.witness.canaries.add("app secret", "secret-of-five-")
		for round := range 3 {
			for id := range five {
				for _, target := range []string{"/ocr/bankcard/order%d?app_id=", "/ocr/idcard/person%d?get_file=1&app_id="} {
					w.expectStatus(fmt.Sprintf(target, round)+id, 200)
				}
			}
		}
		w.expectStatus("/ocr/bankcard/order1", 400)
		w.expectStatus("/ocr/bankcard/order1?app_id=IDAfive5", 400)
		for id := range five {
			if c := w.sim.Counts(id); c.Tokens != 1 || c.Tickets != 1 || c.Queries != 6 || c.Rejected != 0 {
				t.Errorf("%s: %+v", id, c)
			}
		}
	})
}

// One app's voided ticket, wrong secret or rejections are no concern of another's.
func TestAppsFailByThemselves(t *testing.T) {
	t.Parallel()
	through(t, func(t *testing.T, over transport) {
		w := open(t, over, setting{simulator: simulator.Config{Apps: map[string]string{
			firstApp: secrets[firstApp], secondApp: "changed meanwhile", thirdApp: secrets[thirdApp],
		}}})
		w.expectStatus("/ocr/bankcard/order1", 200)
		w.expectStatus("/ocr/bankcard/order1?app_id="+secondApp, 502)
		w.expectStatus("/ocr/bankcard/rejected1?app_id="+thirdApp, 502)
		w.sim.Void(thirdApp)
		w.expectStatus("/ocr/bankcard/order2", 200)
		w.expectMinted(1, 1)
	})
}
