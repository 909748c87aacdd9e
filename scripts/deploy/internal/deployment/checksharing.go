package deployment

import (
	"context"
	"slices"
	"strings"
	"time"

	"kyc-ocr-relay/internal/archive"
	"kyc-ocr-relay/internal/config"
)

// timer looks whether the pair is renewed while nobody asks for a result: with the app's live
// ticket the vendor signs what a front end hands back (document 1007/35897).
func (k *checking) timer(context.Context) {
	if k.config == nil || k.found == nil || !k.config.NoAuth && !k.anybodyMay(config.Start, config.Check) {
		return
	}
	ours := k.found.timer
	switch {
	case k.Kind == archive.Web:
		k.say("warn", "timer", "no timer calls a Web function. While only phones and browsers are busy nobody renews its pair, and what they hand back "+
			"comes without a sign: deploy an event function beside it, with the same TICKET_STORE (-kind both)")
	case ours != nil && ours.fires():
		k.say("ok", "timer", "it fires every 5 minutes: the pair is renewed while nobody asks")
	case slices.ContainsFunc(k.found.others, func(other string) bool { return strings.HasPrefix(other, "timer trigger ") }):
		k.say("ok", "timer", "left to the one that somebody else has made")
	default:
		k.say("warn", "timer", "there is none that fires every 5 minutes. While only phones and browsers are busy nobody renews the pair, and what they "+
			"hand back comes without a sign: deploying makes one")
	}
}

// loans tells what servers that sign by themselves have fetched, and who has not. What a server
// fetches elsewhere cannot be seen from here.
func (k *checking) loans(lent []loan) {
	for _, l := range lent {
		what := map[string]string{"token": "a token", "sign": "a SIGN ticket", "nonce": "a NONCE ticket"}[l.Kind]
		k.say("ok", "lent", "%s of app %s to %s, %v ago", what, l.AppID, l.Caller, time.Duration(l.Ago)*time.Second)
	}
	if k.config == nil {
		return
	}
	for _, caller := range k.config.Callers {
		if caller.May(config.Ticket) && !slices.ContainsFunc(lent, func(l loan) bool { return l.Caller == caller.Name }) {
			k.say("warn", "lent", "nothing to %s, as far as the instance knows that has answered: it may still fetch for itself. "+
				"Then the log has \"ticket voided by another server\"", caller.Name)
		}
	}
}

// anybodyMay reports whether a caller has one of the scopes.
func (k *checking) anybodyMay(scopes ...config.Scope) bool {
	return slices.ContainsFunc(k.config.Callers, func(c config.Caller) bool { return slices.ContainsFunc(scopes, c.May) })
}
